import test from 'ava';
import bcrypt from 'bcrypt';
import { isSecretSealed } from '../../contracts/log-events.ts';
import { formatSealingKey, generateSealingKey } from '../../event-log/sealing-keys.ts';
import { ask, get } from '../support/ask.ts';
import {
  type ControlPlane,
  readSecret,
  startControlPlane,
  team,
} from '../support/control-plane.ts';
import { filesIn, findSecrets, type Place } from '../support/find-secrets.ts';
import { type OperatorProcess, operatorNamespace } from '../support/operator-process.ts';
import { startOrigin } from '../support/origin.ts';
import type { PodProcess } from '../support/pod-process.ts';
import { freePorts } from '../support/ports.ts';

const ours = [
  'headgate-nats',
  'headgate-nats-server',
  'headgate-sealing-keys',
  'headgate-pool-default',
  'headgate-reader',
];

test('no password, hash, sealing key or seed is in what Headgate stores, says or shows', async (t) => {
  const plane = await startControlPlane(t);
  const [port = 0] = await freePorts(1);
  const { authority } = await startOrigin(t);
  const passwords = ['open-sesame-4711', 'open-sesame-0815'];
  const hashes = await Promise.all(passwords.map((password) => bcrypt.hash(password, 4)));
  const login = async (password = '') => {
    const basic = Buffer.from(`alice:${password}`).toString('base64');
    const answer = await ask(t, port, get(authority, `Proxy-Authorization: Basic ${basic}`));
    answer.client.socket.destroy();
    return answer.status;
  };

  await writeUsers(plane, hashes[0]);
  await plane.applyProxy('guarded', port, {
    authentication: { mode: 'Basic', basic: { secretRef: { name: 'users' } } },
  });
  const pod = await plane.startPod('pod-1', { HEADGATE_LOG_LEVEL: 'debug' });
  await plane.programmed('guarded', 1);
  t.is(await login(passwords[0]), 200);
  await writeUsers(plane, hashes[1]);
  while ((await login(passwords[1])) !== 200);
  t.is(await login(passwords[0]), 407);
  const before = await ownSecrets(plane);
  await rotateSealingKey(plane, pod);
  t.is(await login(passwords[1]), 200);
  // Whatever else may be said of it: a line that is no user, a Secret that is not there.
  await writeUsers(plane, `${hashes[0]} and more`);
  await plane.kube.kubectl(
    ...['wait', '--for=condition=ResolvedRefs=False', 'forwardproxy/guarded', '-n', team],
  );
  t.is(await login(passwords[1]), 200, 'what was good stays');

  const secrets = {
    ...Object.fromEntries([...passwords, ...hashes].map((text) => [text, text])),
    ...before,
    ...(await ownSecrets(plane)),
  };
  const places = await everywhere(plane, pod);
  t.deepEqual(findSecrets(places, secrets), []);

  t.log(`${Object.keys(secrets).length} secrets, ${places.length} places`);
  t.true(places.some(({ bytes }) => bytes.includes('dev.headgate.secret.sealed.v1')));
  t.true(
    places.every(({ bytes }) => bytes.length > 0),
    'there is something to look through',
  );
  for (const [name, secret] of Object.entries(secrets)) {
    for (const planted of [secret, btoa(secret), btoa(`alice:${secret}\n`)]) {
      const bytes = Buffer.concat([places[0]?.bytes ?? Buffer.of(), Buffer.from(`x${planted}x`)]);
      t.deepEqual(findSecrets([{ name: 'it', bytes }], { [name]: secret }), [`${name} in it`]);
    }
  }
});

async function writeUsers({ kube }: ControlPlane, hash = ''): Promise<void> {
  await kube.apply(
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'users', namespace: team },
      stringData: { auth: `alice:${hash}\n` },
    }),
  );
}

/** The new key first; pods get it as a mounted Secret changes; then everything is sealed with it. */
async function rotateSealingKey(
  plane: ControlPlane,
  pod: Awaited<ReturnType<ControlPlane['startPod']>>,
): Promise<void> {
  const fresh = generateSealingKey();
  const { 'seal.keys': lines } = await readSecret(plane.kube, 'headgate-sealing-keys');
  const patch = { stringData: { 'seal.keys': `${formatSealingKey(fresh)}\n${lines}` } };
  await plane.kube.kubectl(
    ...['patch', 'secret', 'headgate-sealing-keys', '--namespace', operatorNamespace],
    ...['--type=merge', `--patch=${JSON.stringify(patch)}`],
  );
  const ofPool = () => readSecret(plane.kube, 'headgate-pool-default');
  while (!(await ofPool())['seal.keys']?.includes(fresh.id));
  await pod.mounted.write(await ofPool());
  for (;;) {
    const sealed = (await plane.entries()).map(({ event }) => event.data).filter(isSecretSealed);
    if (sealed.length > 0 && sealed.every(({ keyId }) => keyId === fresh.id)) return;
  }
}

/** Keys and seeds of the installation, by where they come from. */
async function ownSecrets({ kube }: ControlPlane): Promise<Readonly<Record<string, string>>> {
  const secrets: Record<string, string> = {};
  for (const name of ours) {
    for (const [file, text] of Object.entries(await readSecret(kube, name))) {
      const seeds = text.match(/\bS[AOU][A-Z2-7]{56}\b/g) ?? [];
      const keys = file === 'seal.keys' ? (text.match(/[A-Za-z0-9+/]{43}=/g) ?? []) : [];
      for (const secret of [...seeds, ...keys]) secrets[`${name}/${file} ${secret}`] = secret;
      for (const key of keys) {
        const material = Buffer.from(key, 'base64').toString('hex');
        secrets[`${name}/${file} ${material}`] = material;
      }
    }
  }
  return secrets;
}

/** Whatever Headgate stores, says and shows, but for the Secrets themselves. */
async function everywhere(
  { kube, nats, operator }: ControlPlane & { readonly operator: OperatorProcess },
  pod: PodProcess,
): Promise<readonly Place[]> {
  const place = (name: string, text: string) => ({ name, bytes: Buffer.from(text) });
  const all = async (kind: string) =>
    place(
      kind,
      await kube.kubectl('get', kind, '--all-namespaces', '--output=yaml', '--show-managed-fields'),
    );
  const metrics = async (name: string, admin: string) =>
    place(name, await (await fetch(`${admin}/metrics`)).text());
  const kinds = [
    'forwardproxies',
    'events.events.k8s.io',
    'leases',
    'configmaps',
    'deployments',
    'services',
  ];
  return [
    place('log of the operator', operator.lines.all.join('\n')),
    place('log of the pod', pod.stderr.all.join('\n')),
    place('access log', pod.stdout.all.join('\n')),
    await metrics('metrics of the operator', operator.admin),
    await metrics('metrics of the pod', pod.admin),
    ...(await Promise.all(kinds.map(all))),
    ...(await filesIn(nats.storeDirectory)),
  ];
}
