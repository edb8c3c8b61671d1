import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { SettingWrong } from '../runtime/environment.ts';
import { readSettings } from './settings.ts';

const least = { HEADGATE_POOL: 'edge', HEADGATE_NATS_URL: 'nats://headgate-nats:4222' };

test('a pod needs to be told its pool and where NATS is; the rest has a value', (t) => {
  t.deepEqual(readSettings({ ...least, HEADGATE_WORKERS: '' }), {
    pool: 'edge',
    instance: hostname(),
    natsUrl: 'nats://headgate-nats:4222',
    credentials: '/etc/headgate/credentials',
    logName: 'headgate',
    workers: 1,
    admin: { host: '0.0.0.0', port: 9127 },
    accessLog: '-',
    drainGraceMs: 5000,
    logLevel: 'info',
  });
});

test('a pod can be told everything', (t) => {
  const settings = readSettings({
    ...least,
    HEADGATE_POD_NAME: 'pod-1',
    HEADGATE_CREDENTIALS: '/run/secrets',
    HEADGATE_LOG_NAME: 'other',
    HEADGATE_WORKERS: '4',
    HEADGATE_ADMIN: '[::1]:0',
    HEADGATE_ACCESS_LOG: '/var/log/access',
    HEADGATE_DRAIN_GRACE_SECONDS: '0',
    HEADGATE_LOG_LEVEL: 'debug',
  });

  t.like(settings, {
    instance: 'pod-1',
    credentials: '/run/secrets',
    logName: 'other',
    workers: 4,
  });
  t.like(settings, { admin: { host: '::1', port: 0 }, drainGraceMs: 0, logLevel: 'debug' });
});

for (const [name, value] of [
  ['HEADGATE_POOL', ''],
  ['HEADGATE_POOL', 'Not.A.Label'],
  ['HEADGATE_NATS_URL', ''],
  ['HEADGATE_LOG_NAME', 'a.b'],
  ['HEADGATE_WORKERS', '0'],
  ['HEADGATE_WORKERS', 'many'],
  ['HEADGATE_ADMIN', '9127'],
  ['HEADGATE_ADMIN', '0.0.0.0:99999'],
  ['HEADGATE_DRAIN_GRACE_SECONDS', '-1'],
  ['HEADGATE_LOG_LEVEL', 'loud'],
] as const) {
  test(`${name}="${value}" is refused by name`, (t) => {
    const error = t.throws(() => readSettings({ ...least, [name]: value }), {
      instanceOf: SettingWrong,
    });

    t.true(error?.message.startsWith(`${name} is `), error?.message);
  });
}

test('every variable of a pod is explained', async (t) => {
  const read = (file: string) => readFile(join(import.meta.dirname, '..', file), 'utf8');
  const used = (await read('dataplane/settings.ts')).matchAll(/'(HEADGATE_\w+)'/g);
  const [, page = ''] = (await read('docs/settings.md')).split('## Pods of a pool');
  const [section = ''] = page.split('\n## ');
  const explained = section.matchAll(/^\| `(HEADGATE_\w+)` \|/gm);

  const names = (found: Iterable<RegExpExecArray>) => Array.from(found, ([, name]) => name).sort();
  t.deepEqual(names(explained), names(used));
});
