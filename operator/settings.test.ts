import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { SettingWrong } from '../runtime/environment.ts';
import { readSettings } from './settings.ts';

const image = { HEADGATE_IMAGE: 'headgate:0.1.0' };

test('an operator needs to be told its image, and knows the rest', (t) => {
  t.like(readSettings(image), {
    namespace: 'headgate-system',
    image: 'headgate:0.1.0',
    natsUrl: 'nats://headgate-nats:4222',
    isNatsEmbedded: false,
    natsReplicas: 1,
    logName: 'headgate',
    logMaxBytes: 1024 ** 3,
    leaseSeconds: 15,
    keepUnusedPoolsSeconds: 300,
    admin: { host: '0.0.0.0', port: 9127 },
    logLevel: 'info',
    adopt: false,
    inCluster: null,
  });
  t.throws(() => readSettings({}), { instanceOf: SettingWrong, message: /HEADGATE_IMAGE/ });
});

test('what is set is taken', (t) => {
  const settings = readSettings({
    ...image,
    HEADGATE_NAMESPACE: 'proxies',
    HEADGATE_POD_NAME: 'headgate-operator-1',
    HEADGATE_NATS_EMBEDDED: 'true',
    HEADGATE_NATS_REPLICAS: '3',
    HEADGATE_LOG_MAX_BYTES: '10000000',
    HEADGATE_LEASE_SECONDS: '30',
    HEADGATE_KEEP_UNUSED_POOLS_SECONDS: '0',
    HEADGATE_ADMIN: '[::1]:8080',
    HEADGATE_ADOPT: 'true',
  });

  t.like(settings, {
    namespace: 'proxies',
    podName: 'headgate-operator-1',
    isNatsEmbedded: true,
    natsReplicas: 3,
    logMaxBytes: 10_000_000,
    leaseSeconds: 30,
    keepUnusedPoolsSeconds: 0,
    admin: { host: '::1', port: 8080 },
    adopt: true,
  });
});

test('two operators never have the same identity, even in the same pod', (t) => {
  t.not(readSettings(image).identity, readSettings(image).identity);
});

test('in a pod the service account is used, unless a kubeconfig is named', (t) => {
  const inPod = { ...image, KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' };

  t.deepEqual(readSettings(inPod).inCluster, { host: '10.96.0.1', port: '443' });
  t.is(readSettings({ ...inPod, KUBECONFIG: '/tmp/kubeconfig' }).inCluster, null);
});

test('a setting that makes no sense is named', (t) => {
  for (const [name, value] of [
    ['HEADGATE_NATS_REPLICAS', '0'],
    ['HEADGATE_LOG_MAX_BYTES', 'plenty'],
    ['HEADGATE_LEASE_SECONDS', '1'],
    ['HEADGATE_ADMIN', '9127'],
    ['HEADGATE_ADOPT', 'yes'],
    ['HEADGATE_NAMESPACE', 'Head Gate'],
  ] as const) {
    const message = new RegExp(name);
    t.throws(() => readSettings({ ...image, [name]: value }), {
      instanceOf: SettingWrong,
      message,
    });
  }
});

test('every variable of an operator is explained', async (t) => {
  const read = (file: string) => readFile(join(import.meta.dirname, '..', file), 'utf8');
  const used = (await read('operator/settings.ts')).matchAll(/'(HEADGATE_\w+|KUBECONFIG)'/g);
  const [, page = ''] = (await read('docs/settings.md')).split('## The operator');
  const [section = ''] = page.split('\n## ');
  const explained = section.matchAll(/^\| `(\w+)` \|/gm);

  const names = (found: Iterable<RegExpExecArray>) => Array.from(found, ([, name]) => name).sort();
  t.deepEqual(names(explained), names(used));
});

test('who logs in to NATS is not written into the address, which every pod is told', (t) => {
  const withPassword = { ...image, HEADGATE_NATS_URL: 'nats://a:4222,tls://ann:sesame@nats:4222' };

  const error = t.throws(() => readSettings(withPassword), { instanceOf: SettingWrong });

  t.regex(error?.message ?? '', /HEADGATE_NATS_URL .* Secret headgate-nats/);
  t.notRegex(error?.message ?? '', /sesame/);
});
