import { connect as dial } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { hashSync } from 'bcrypt';
import { isSecretSealed } from '../../contracts/log-events.ts';
import type { LogEntry } from '../../event-log/event-log.ts';
import { createSeal } from '../../event-log/seal.ts';
import {
  deriveForPool,
  formatSealingKey,
  generateSealingKey,
} from '../../event-log/sealing-keys.ts';
import { ask, get } from '../support/ask.ts';
import { follow } from '../support/follow-log.ts';
import { startNatsWithUsers } from '../support/nats-users.ts';
import { isProgrammed, operate } from '../support/operator-world.ts';
import { startOrigin } from '../support/origin.ts';
import { mountSecret, startPodProcess } from '../support/pod-process.ts';
import { freePort } from '../support/ports.ts';
import { run } from '../support/run.ts';
import { createTableSource } from '../support/table-source.ts';

const role = { is: 'pool', pool: 'default' } as const;
const authorization = `Proxy-Authorization: Basic ${btoa('ann:secret')}`;

function proxySpec(port: number) {
  return {
    listeners: [{ name: 'all', port, address: '127.0.0.1' }],
    egress: { addressPolicy: { allowCIDRs: ['127.0.0.0/8'] } },
    connect: { allowedPorts: ['1-65535'] },
    authentication: { mode: 'Basic', basic: { secretRef: { name: 'users' } } },
  };
}

/** NATS with users, an operator that leads and wants one proxy, and what a pod is told. */
async function openWorld(t: ExecutionContext) {
  const nats = await startNatsWithUsers(t);
  const keys = [generateSealingKey()];
  const derived = () =>
    keys.map((key) => formatSealingKey(deriveForPool(key, 'default'))).join('\n');
  const port = await freePort();
  const source = createTableSource();
  source.putSecret('users', { auth: `ann:${hashSync('secret', 4)}` });
  source.put('egress', proxySpec(port));
  const secret = await mountSecret(t);
  const files = {
    'nats.creds': await nats.mint(role),
    'seal.keys': derived(),
  };
  const env = {
    HEADGATE_POOL: 'default',
    HEADGATE_POD_NAME: 'pod-1',
    HEADGATE_NATS_URL: nats.server.url,
    HEADGATE_CREDENTIALS: secret.directory,
    HEADGATE_DRAIN_GRACE_SECONDS: '1',
  };
  async function startOperator() {
    const eventLog = await nats.logOf({ is: 'operator' });
    const { acknowledgements } = eventLog;
    return operate(t, { eventLog, acknowledgements, seal: createSeal(() => keys), source });
  }
  return { nats, port, source, keys, derived, secret, files, env, startOperator };
}

test('a pod that is up before NATS and its files waits for them, and serves when they come', async (t) => {
  const { nats, port, secret, files, env, startOperator } = await openWorld(t);
  const origin = await startOrigin(t);
  await nats.server.kill();

  const pod = await startPodProcess(t, env);
  const forKeys = await pod.logged('waiting');
  const alive = await fetch(`${pod.admin}/healthz`);
  const readyAtFirst = await fetch(`${pod.admin}/readyz`);
  await secret.write(files);
  const forLog = await pod.logged('waiting', pod.stderr.all.length);
  await nats.server.start();
  const operator = await startOperator();
  await operator.status('egress', isProgrammed);
  const readyAtLast = await fetch(`${pod.admin}/readyz`);
  const answer = await ask(t, port, get(origin.authority, authorization));

  t.is(forKeys['for'], 'the sealing keys');
  t.is(forLog['for'], 'the log');
  t.deepEqual([alive.status, readyAtFirst.status, readyAtLast.status], [200, 503, 200]);
  t.is(answer.status, 200);
});

test('a pod that is told to go says so, accepts for a while, lets what runs finish, and ends well', async (t) => {
  const { port, secret, files, env, startOperator } = await openWorld(t);
  const origin = await startOrigin(t);
  await secret.write(files);
  const pod = await startPodProcess(t, env);
  const operator = await startOperator();
  await operator.status('egress', isProgrammed);
  pod.signal('SIGHUP');

  const tunnel = dial(port, '127.0.0.1');
  tunnel.write(`CONNECT ${origin.authority} HTTP/1.1\r\nHost: x\r\n${authorization}\r\n\r\n`);
  await new Promise((resolve) => tunnel.once('data', resolve));
  pod.signal('SIGTERM');
  await pod.logged('leaving');
  const ready = await fetch(`${pod.admin}/readyz`);
  const during = await ask(t, port, get(origin.authority, authorization));
  await pod.logged('draining');
  const stillOpen = new Promise((resolve) => tunnel.once('data', resolve));
  tunnel.write(`GET / HTTP/1.1\r\nHost: ${origin.authority}\r\n\r\n`);

  t.is(ready.status, 503);
  t.is(during.status, 200);
  t.regex(String(await stillOpen), /hello from the origin/);
  tunnel.destroy();
  t.is(await pod.exited, 0);
});

test('sealing keys are rotated without a restart: the new one seals when the pod holds it, then the old one goes', async (t) => {
  const { nats, port, source, keys, derived, secret, files, env, startOperator } =
    await openWorld(t);
  const origin = await startOrigin(t);
  await secret.write(files);
  const pod = await startPodProcess(t, env);
  const operator = await startOperator();
  await operator.status('egress', isProgrammed);
  const [old] = keys;
  const fresh = generateSealingKey();
  const secrets = follow(t, await nats.logOf({ is: 'reader' }), [
    nats.subjects.secret('default', 'team-a', 'users'),
  ]);
  const before = await secrets.nextOf('snapshot');

  keys.unshift(fresh);
  source.putSecret('users', { auth: `bob:${hashSync('secret', 4)}` });
  const whilePodLacksIt = await secrets.nextOf('entry');
  await secret.write({ ...files, 'seal.keys': derived() });
  const whenPodHoldsIt = await secrets.nextOf('entry');
  keys.pop();
  await secret.write({ ...files, 'seal.keys': derived() });
  await pod.logged('sealing keys changed', pod.stderr.all.length);
  source.putSecret('users', { auth: `eve:${hashSync('secret', 4)}` });
  const ofEve = await secrets.nextOf('entry');
  await operator.status(
    'egress',
    (summary, { status }) =>
      isProgrammed(summary) && (status.configVersion ?? 0) > ofEve.entry.sequence,
  );
  const answer = await ask(
    ...([t, port] as const),
    get(origin.authority, `Proxy-Authorization: Basic ${btoa('eve:secret')}`),
  );

  t.deepEqual(before.entries.map(keyIdOf), [old?.id]);
  t.is(keyIdOf(whilePodLacksIt.entry), old?.id ?? null);
  t.is(keyIdOf(whenPodHoldsIt.entry), fresh.id);
  t.is(answer.status, 200);
});

function keyIdOf({ event }: LogEntry): string | null {
  return isSecretSealed(event.data) ? event.data.keyId : null;
}

test('a pod goes on when NATS restarts and its user was replaced meanwhile', async (t) => {
  const { nats, port, secret, files, env, startOperator } = await openWorld(t);
  const origin = await startOrigin(t);
  await secret.write(files);
  const pod = await startPodProcess(t, env);
  const operator = await startOperator();
  await operator.status('egress', isProgrammed);

  await nats.server.kill();
  await pod.logged('event log out of reach, serving what is known');
  const without = await ask(t, port, get(origin.authority, authorization));
  await secret.write({ ...files, 'nats.creds': await nats.mint(role) });
  await nats.server.start();
  const from = operator.statuses.length;
  operator.source.put('second', { ...proxySpec(await freePort()) });
  await operator.status('second', isProgrammed, from);

  t.is(without.status, 200);
});

test('a pod that is told nonsense does not start, and names the variable', async (t) => {
  const { code, stderr } = await run(process.execPath, ['dataplane/main.ts'], {
    env: { HEADGATE_POOL: 'default', HEADGATE_NATS_URL: '' },
  });

  t.is(code, 1);
  t.true(stderr.includes('HEADGATE_NATS_URL is not set'), stderr);
});
