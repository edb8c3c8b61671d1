import test, { type ExecutionContext } from 'ava';
import { clusterNames, secretKeys } from '../../contracts/cluster-names.ts';
import { createSubjects } from '../../contracts/subjects.ts';
import { openJetStreamEventLog } from '../../event-log/jetstream-event-log.ts';
import {
  createNatsAccess,
  type NatsMaterial,
  natsMaterialOf,
} from '../../event-log/nats-access.ts';
import { createNatsKeys, publicKeyOf } from '../../event-log/nats-accounts.ts';
import type { NatsRole } from '../../event-log/nats-permissions.ts';
import { createSeal } from '../../event-log/seal.ts';
import {
  formatSealingKey,
  generateSealingKey,
  parseSealingKeys,
} from '../../event-log/sealing-keys.ts';
import { openCredentials } from '../../operator/kubernetes/credentials/credentials.ts';
import type { Log } from '../../runtime/log.ts';
import { silentLog } from '../../runtime/log.ts';
import { keyOf, makeEvent } from '../support/events.ts';
import { follow } from '../support/follow-log.ts';
import { type KubeApi, startKubeApi } from '../support/kube-api.ts';
import { startNatsServer } from '../support/nats-server.ts';
import { openApi } from '../support/open-api.ts';
import { fileScope } from '../support/scope.ts';

const subjects = createSubjects();
const place = {
  pool: 'edge',
  logId: 'log-1',
  subject: 'headgate.config.edge._secret.a.b',
  field: 'x',
};

const scope = fileScope();
let kube: KubeApi;
let namespaces = 0;
test.before(async () => {
  kube = await startKubeApi(scope);
});

/** A namespace of the test's own, and operators in it. */
async function openWorld(t: ExecutionContext) {
  namespaces += 1;
  const namespace = `test-${namespaces}`;
  await kube.kubectl('create', 'namespace', namespace);
  const api = await openApi(t, kube.kubeconfig);

  function open({ isEmbedded = true, log = silentLog as Log, onChange = () => {} } = {}) {
    const stop = new AbortController();
    t.teardown(() => stop.abort());
    return openCredentials({
      ...{ api, namespace, subjects, isEmbedded, log, onChange },
      ...{ signal: stop.signal, mayWrite: () => true },
    });
  }
  async function files(name: string): Promise<Record<string, string>> {
    const path = `/api/v1/namespaces/${namespace}/secrets/${name}`;
    const { body } = await kube.request('GET', path);
    const data: Record<string, string> = JSON.parse(body).data;
    const decode = (text: string) => Buffer.from(text, 'base64').toString();
    return Object.fromEntries(Object.entries(data).map(([key, text]) => [key, decode(text)]));
  }
  async function make(name: string, stringData: Record<string, string>): Promise<void> {
    const metadata = { name, namespace };
    await kube.apply(JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata, stringData }));
  }
  const remove = (name: string) =>
    kube.kubectl('--namespace', namespace, 'delete', 'secret', name, '--wait=false');
  return { open, files, make, remove };
}

async function openLog(t: ExecutionContext, url: string, role: NatsRole, material: NatsMaterial) {
  const connection = { servers: url, ...createNatsAccess(() => material, subjects, role) };
  const log = await openJetStreamEventLog({ connection, subjects });
  t.teardown(() => log[Symbol.asyncDispose]());
  return log;
}

test('two operators that start for the first time make one set of credentials, and NATS knows them', async (t) => {
  const { open, files } = await openWorld(t);

  const [one, other] = await Promise.all([open(), open()]);

  t.deepEqual(one.natsMaterial(), other.natsMaterial());
  t.deepEqual(one.seal.keyIds, other.seal.keyIds);
  const server = await files(clusterNames.natsServerSecret);
  const { url } = await startNatsServer(t, ({ port, storeDirectory }) =>
    (server['nats.conf'] ?? '')
      .replace('0.0.0.0:4222', `127.0.0.1:${port}`)
      .replace('0.0.0.0:8222', '127.0.0.1:-1')
      .replace('"/data"', `"${storeDirectory}"`),
  );
  const operator = await openLog(t, url, { is: 'operator' }, one.natsMaterial());
  const leader = await operator.lead('me');
  await leader.append([{ subject: subjects.config('edge', keyOf('a')), event: makeEvent('edge') }]);
  const poolFiles = await other.poolFiles('edge');
  const ofPool = natsMaterialOf((key) => poolFiles[key] ?? null);
  const pod = await openLog(t, url, { is: 'pool', pool: 'edge' }, ofPool);
  const { entries } = await follow(t, pod, [subjects.allConfigOf('edge')]).nextOf('snapshot');
  t.deepEqual(
    entries.map(({ event }) => event.data),
    ['edge'],
  );
  const readerFiles = await files(clusterNames.readerSecret);
  const ofReader = natsMaterialOf((key) => readerFiles[key] ?? null);
  const reader = await openLog(t, url, { is: 'reader' }, ofReader);
  await follow(t, reader, [subjects.allConfig]).nextOf('snapshot');
  t.regex(server['nats.conf'] ?? '', /sync_interval: always/);
  for (const secret of [server, poolFiles, readerFiles]) {
    t.false(
      Object.values(secret).some((text) => /\bS[OA][A-Z2-7]{56}\b/.test(text)),
      'no seed',
    );
  }
});

test('the Secret of a pool stays as it is until something it is made of changes', async (t) => {
  const { open, make } = await openWorld(t);
  const credentials = await open();

  const before = await credentials.poolFiles('edge');
  await make('headgate-pool-edge', before);
  const after = await credentials.poolFiles('edge');
  const ofOther = await credentials.poolFiles('core');

  t.deepEqual(after, before);
  t.not(ofOther[secretKeys.creds], before[secretKeys.creds]);
  const jwe = await credentials.seal.seal(place, 'secret');
  const podOf = (files: typeof before) =>
    createSeal(parseSealingKeys(files[secretKeys.sealingKeys] ?? '', 'it'));
  t.is(await podOf(after).open(place, jwe), 'secret');
  await t.throwsAsync(podOf(ofOther).open(place, jwe));
});

test('sealing keys that are added to their Secret are used without a restart', async (t) => {
  const { open, files, make } = await openWorld(t);
  const changed = Promise.withResolvers<void>();
  const credentials = await open({ onChange: changed.resolve });
  const [old = ''] = credentials.seal.keyIds;
  const fresh = generateSealingKey();

  const { 'seal.keys': lines } = await files(clusterNames.sealingKeysSecret);
  await make(clusterNames.sealingKeysSecret, {
    'seal.keys': `${formatSealingKey(fresh)}\n${lines}`,
  });
  await changed.promise;

  t.deepEqual(credentials.seal.keyIds, [fresh.id, old]);
  const derived = (await credentials.poolFiles('edge'))['seal.keys'] ?? '';
  t.deepEqual(
    parseSealingKeys(derived, 'it').map(({ id }) => id),
    [fresh.id, old],
  );
});

test('credentials that somebody deletes come back as they were', async (t) => {
  const { open, files, remove } = await openWorld(t);
  await open();
  const names = [clusterNames.sealingKeysSecret, clusterNames.natsSecret];
  const before = await Promise.all(names.map(files));

  const madeFromThese = [clusterNames.natsServerSecret, clusterNames.readerSecret];
  for (const name of [...names, ...madeFromThese]) await remove(name);

  const back = async (name: string) => {
    let found: Record<string, string> | null = null;
    while (found === null) found = await files(name).catch(() => null);
    return found;
  };
  t.deepEqual(await Promise.all(names.map(back)), before);
  await Promise.all(madeFromThese.map(back));
});

test('a certificate for the embedded server reaches it, those who connect to it learn its CA', async (t) => {
  const { open, files, make } = await openWorld(t);
  const changed = Promise.withResolvers<void>();
  const credentials = await open({ onChange: changed.resolve });

  await make(clusterNames.natsTlsSecret, { 'tls.crt': 'CERT', 'tls.key': 'KEY', 'ca.crt': 'CA' });
  await changed.promise;

  t.like(await files(clusterNames.natsServerSecret), { 'tls.crt': 'CERT', 'tls.key': 'KEY' });
  t.regex((await files(clusterNames.natsServerSecret))['nats.conf'] ?? '', /^tls \{$/m);
  t.is(credentials.natsMaterial().ca, 'CA');
  t.is((await credentials.poolFiles('edge'))['ca.crt'], 'CA');
  t.is((await credentials.poolFiles('edge'))['tls.key'], undefined);
});

test('for a NATS of somebody else the operator waits for its Secret, and says so', async (t) => {
  const { open, files, make } = await openWorld(t);
  const waiting = Promise.withResolvers<unknown>();
  const log: Log = { ...silentLog, warn: (_, fields) => waiting.resolve(fields?.['problem']) };
  const account = createNatsKeys().account;

  const opening = open({ isEmbedded: false, log });
  t.regex(String(await waiting.promise), /there is no Secret headgate-nats: make one/);
  await make(clusterNames.natsSecret, {
    ...{ 'nats.user': 'operator', 'nats.password': 'pw\n', 'ca.crt': 'CA' },
    'account-signing.seed': `${account}\n`,
    'account.pub': publicKeyOf(account),
  });
  const credentials = await opening;

  t.like(credentials.natsMaterial(), { creds: null, user: 'operator', password: 'pw', ca: 'CA' });
  const pool = await credentials.poolFiles('edge');
  t.deepEqual(Object.keys(pool).sort(), ['ca.crt', 'nats.creds', 'seal.keys']);
  t.is((await files(clusterNames.readerSecret))['ca.crt'], 'CA');
});

test('pods get what an administrator has made for them, or it is said what is missing', async (t) => {
  const { open, make } = await openWorld(t);
  await make(clusterNames.natsSecret, { 'nats.user': 'o', 'nats.password': 'secret-of-operator' });
  const without = await open({ isEmbedded: false });
  await t.throwsAsync(without.poolFiles('edge'), {
    message: /needs account-signing.seed, or pool/,
  });

  const { open: openOther, make: makeOther } = await openWorld(t);
  await makeOther(clusterNames.natsSecret, {
    ...{ 'nats.user': 'o', 'nats.password': 'secret-of-operator', 'pool.user': 'p' },
    'pool.password': 'secret-of-pods',
  });
  const pool = await (await openOther({ isEmbedded: false })).poolFiles('edge');

  t.like(pool, { 'nats.user': 'p', 'nats.password': 'secret-of-pods' });
  t.false(JSON.stringify(pool).includes('secret-of-operator'));
});
