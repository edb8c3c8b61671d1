import { createServer } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { ask, get } from '../support/ask.ts';
import { proxyAuthorization } from '../support/connect.ts';
import { basicAuthentication, forwardProxy, usersSecret } from '../support/forward-proxy.ts';
import { startHeadgate } from '../support/headgate-up.ts';
import { startLoad } from '../support/load.ts';
import { echo, startOrigin, startTcpOrigin } from '../support/origin.ts';
import { connectPeer, type Peer } from '../support/peer.ts';

// What runs while it is edited. Each test has a process of its own: they edit the same file.

const quiet = { accessLog: { enabled: false } };

async function origins(t: ExecutionContext) {
  const [http, { authority }] = await Promise.all([startOrigin(t), startTcpOrigin(t, echo)]);
  return { http: http.authority, echo: authority };
}

/** Something that changes with every edit, so that each is a new version. */
const edits: ReadonlyArray<(index: number) => Readonly<Record<string, unknown>>> = [
  (index) => ({ via: { pseudonym: `edit-${index}` } }),
  (index) => ({ timeouts: { tunnelIdle: `${600 + index}s` } }),
  (index) => ({ limits: { headerCount: 200 + index } }),
  (index) => ({ forwardedHeader: index % 2 === 0 ? 'Forwarded' : 'XForwardedFor' }),
  (index) => ({
    egress: {
      addressPolicy: { allowCIDRs: ['127.0.0.0/8'] },
      rules: [{ name: `edit-${index}`, action: 'Deny', hosts: [`edit-${index}.example`] }],
    },
  }),
  (index) => ({ metrics: { hostLabel: { mode: 'Host', max: 1 + index } } }),
];

test.serial('200 edits under load fail no request and reset no tunnel', async (t) => {
  const reached = await origins(t);
  const version = (port: number, index: number) =>
    forwardProxy({
      port,
      spec: { ...quiet, via: { pseudonym: `v${index}` }, ...edits[index % edits.length]?.(index) },
    });
  const up = await startHeadgate(t, { resources: ([port = 0]) => version(port, 0) });
  const load = startLoad(up.port, reached, { kept: 20, connect: 20, tunnel: 10 });
  t.teardown(() => load.stop());
  await load.more(100);

  const before = load.done;
  for (let index = 1; index <= 200; index++) {
    const line = await up.apply(version(up.port, index));
    t.regex(line, new RegExp(`Programmed: generation ${index + 1},`));
  }
  t.true(load.done > before);
  await load.more(100);
  await load.stop();

  t.deepEqual(load.failures, []);
  t.log(`${load.done} requests, tunnels and round trips`);
});

/** Whose Via an answer of this port carries. */
async function whoAnswers(t: ExecutionContext, port: number, authority: string): Promise<string> {
  const { client, ...answer } = await ask(t, port, get(authority));
  client.socket.destroy();
  return answer.field('via') ?? `${answer.startLine} ${answer.body}`;
}

async function openTunnel(t: ExecutionContext, port: number, authority: string): Promise<Peer> {
  const peer = await connectPeer(t, port);
  peer.send(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
  t.is((await peer.head()).status, 200);
  return peer;
}

async function stillEchoes(t: ExecutionContext, peer: Peer): Promise<void> {
  peer.send('still there');
  t.is(await peer.bytes(11), 'still there');
}

test('two resources swap ports, and no connection notices', async (t) => {
  const reached = await origins(t);
  const two = (a: number, b: number) =>
    forwardProxy({ name: 'a', port: a, spec: quiet }) +
    forwardProxy({ name: 'b', port: b, spec: quiet });
  const up = await startHeadgate(t, { ports: 2, resources: ([a = 0, b = 0]) => two(a, b) });
  const [first = 0, second = 0] = up.ports;
  const tunnels = [
    await openTunnel(t, first, reached.echo),
    await openTunnel(t, second, reached.echo),
  ];
  const loads = [first, second].map((port) =>
    startLoad(port, reached, { kept: 2, connect: 2, tunnel: 1 }),
  );
  t.teardown(() => Promise.all(loads.map((load) => load.stop())));
  t.is(await whoAnswers(t, first, reached.http), '1.1 a.test');

  const from = up.stdout.all.length;
  await up.write(two(second, first));
  for (const name of ['a', 'b']) {
    await up.stdout.next((line) => line.includes(`test/${name} Programmed: generation 2`), from);
  }

  t.is(await whoAnswers(t, first, reached.http), '1.1 b.test');
  t.is(await whoAnswers(t, second, reached.http), '1.1 a.test');
  for (const tunnel of tunnels) await stillEchoes(t, tunnel);
  for (const load of loads) {
    await load.more(20);
    await load.stop();
    t.deepEqual(load.failures, []);
  }
});

test('a listener moves to another address of its port and back', async (t) => {
  const reached = await origins(t);
  const at = (port: number, address: string) =>
    forwardProxy({ port, spec: { ...quiet, listeners: [{ name: 'all', port, address }] } });
  const up = await startHeadgate(t, { resources: ([port = 0]) => at(port, '127.0.0.1') });
  const tunnel = await openTunnel(t, up.port, reached.echo);

  for (const address of ['0.0.0.0', '::', '127.0.0.1']) {
    await up.apply(at(up.port, address));

    t.is(await whoAnswers(t, up.port, reached.http), '1.1 egress.test', address);
    await stillEchoes(t, tunnel);
  }
});

test('a port that another process has: the last good version serves until it is free', async (t) => {
  const reached = await origins(t);
  const foreign = createServer();
  await new Promise<void>((resolve) => foreign.listen(0, '127.0.0.1', resolve));
  t.teardown(() => foreign.close());
  const address = foreign.address();
  const taken = typeof address === 'object' && address !== null ? address.port : 0;
  const on = (port: number) => forwardProxy({ port, spec: quiet });
  const up = await startHeadgate(t, { resources: ([port = 0]) => on(port) });
  const tunnel = await openTunnel(t, up.port, reached.echo);

  const from = up.stdout.all.length;
  await up.write(on(taken));
  const failed = await up.stdout.next((line) => line.includes('egress failed'), from);

  t.regex(failed, /Programmed=False\/PortUnavailable: .*listener "all".*EADDRINUSE/);
  t.is(await whoAnswers(t, up.port, reached.http), '1.1 egress.test');
  const shown = JSON.parse((await up.cli('get', 'fp', 'egress', '-o', 'json')).stdout);
  t.like(
    shown.status.conditions.find(({ type }: { type: string }) => type === 'Accepted'),
    { status: 'True', observedGeneration: 2 },
  );

  await new Promise((resolve) => foreign.close(resolve));
  await up.stdout.next((line) => line.includes('egress Programmed: generation 2'), from);

  t.is(await whoAnswers(t, taken, reached.http), '1.1 egress.test');
  await stillEchoes(t, tunnel);
  await t.throwsAsync(connectPeer(t, up.port), { code: 'ECONNREFUSED' });
});

test('two resources on one port: the older keeps it, and what it leaves is taken', async (t) => {
  const reached = await origins(t);
  const older = (port: number) => forwardProxy({ name: 'older', port, spec: quiet });
  const younger = (port: number) => forwardProxy({ name: 'a-younger', port, spec: quiet });
  const up = await startHeadgate(t, { resources: ([port = 0]) => older(port) });
  const load = startLoad(up.port, reached, { kept: 2, connect: 2, tunnel: 2 });
  t.teardown(() => load.stop());

  const from = up.stdout.all.length;
  await up.write(younger(up.port), 'younger.yaml');
  const refused = await up.stdout.next((line) => line.includes('a-younger refused'), from);

  t.regex(refused, /Accepted=False\/PortConflict: .*ForwardProxy\/test\/older/);
  t.is(await whoAnswers(t, up.port, reached.http), '1.1 older.test');
  await load.more(20);
  await load.stop();
  t.deepEqual(load.failures, []);

  await up.write('# nothing\n');
  await up.stdout.next((line) => line.includes('a-younger Programmed: generation 1'), from);

  t.is(await whoAnswers(t, up.port, reached.http), '1.1 a-younger.test');
});

for (const onPolicyChange of ['Keep', 'Revoke'] as const) {
  test(`onPolicyChange: ${onPolicyChange}: what becomes of a tunnel that an edit would refuse`, async (t) => {
    const [reached, other] = await Promise.all([origins(t), startTcpOrigin(t, echo)]);
    const denied = Number(reached.echo.split(':')[1]);
    const version = (port: number, rules: readonly unknown[]) =>
      forwardProxy({
        port,
        spec: {
          ...quiet,
          drain: { onPolicyChange },
          egress: { rules, addressPolicy: { allowCIDRs: ['127.0.0.0/8'] } },
        },
      });
    const up = await startHeadgate(t, { resources: ([port = 0]) => version(port, []) });
    const affected = await openTunnel(t, up.port, reached.echo);
    const unaffected = await openTunnel(t, up.port, other.authority);

    await up.apply(version(up.port, [{ name: 'no-more', action: 'Deny', ports: [denied] }]));

    if (onPolicyChange === 'Keep') await stillEchoes(t, affected);
    else t.truthy((await affected.rest()).end);
    await stillEchoes(t, unaffected);
    const { body, client } = await ask(
      t,
      up.port,
      `CONNECT ${reached.echo} HTTP/1.1\r\nHost: ${reached.echo}\r\n\r\n`,
    );
    client.socket.destroy();
    t.regex(body, /rule "no-more"/);
  });
}

test('a connection that is kept obeys the newest rules', async (t) => {
  const reached = await origins(t);
  const version = (port: number, defaultAction: string) =>
    forwardProxy({
      port,
      spec: {
        ...quiet,
        egress: { defaultAction, addressPolicy: { allowCIDRs: ['127.0.0.0/8'] } },
      },
    });
  const up = await startHeadgate(t, { resources: ([port = 0]) => version(port, 'Allow') });
  const { client, status } = await ask(t, up.port, get(reached.http));

  await up.apply(version(up.port, 'Deny'));
  client.send(get(reached.http));
  const denied = await client.message();
  await up.apply(version(up.port, 'Allow'));
  client.send(get(reached.http));
  const allowed = await client.message();

  t.deepEqual([status, denied.status, allowed.status], [200, 403, 200]);
});

test('a broken file removes nothing and disturbs no neighbour', async (t) => {
  const reached = await origins(t);
  const one = (port: number, index: number) =>
    forwardProxy({ name: 'one', port, spec: { ...quiet, via: { pseudonym: `one-${index}` } } });
  const two = (port: number) => forwardProxy({ name: 'two', port, spec: quiet });
  const up = await startHeadgate(t, { ports: 2, resources: ([port = 0]) => one(port, 1) });
  const [first = 0, second = 0] = up.ports;
  const from = up.stdout.all.length;
  await up.write(two(second), 'two.yaml');
  await up.stdout.next((line) => line.includes('two Programmed'), from);
  const tunnel = await openTunnel(t, second, reached.echo);

  await up.write('kind: ForwardProxy\n  metadata: [', 'two.yaml');
  await up.stdout.next((line) => /^problem .*two\.yaml:\d+/.test(line), from);
  await up.apply(one(first, 2));

  t.is(await whoAnswers(t, first, reached.http), '1.1 one-2');
  t.is(await whoAnswers(t, second, reached.http), '1.1 two.test');
  await stillEchoes(t, tunnel);

  await up.write('# nothing\n'); // while something cannot be read, absence proves nothing
  await up.write(two(second), 'two.yaml');
  await up.stdout.next((line) => /^solved .*two\.yaml/.test(line), from);
  await up.stdout.next((line) => line.includes('one removed'), from);
  t.is(await whoAnswers(t, second, reached.http), '1.1 two.test');
});

const withPasswords = (port: number) =>
  forwardProxy({ port, spec: { ...quiet, authentication: basicAuthentication } });

function statusWith(peer: Peer, authority: string, password: string): Promise<number> {
  const { 'proxy-authorization': value } = proxyAuthorization('alice', password);
  peer.send(get(authority, `Proxy-Authorization: ${value}`));
  return peer.message().then(({ status }) => status);
}

test('a rotated Secret is decided again, though no generation moved', async (t) => {
  const reached = await origins(t);
  const up = await startHeadgate(t, {
    resources: ([port = 0]) => withPasswords(port) + usersSecret({ alice: 'old' }),
  });
  const kept = await connectPeer(t, up.port);
  t.is(await statusWith(kept, reached.http, 'old'), 200);

  const line = await up.apply(withPasswords(up.port) + usersSecret({ alice: 'new' }));

  t.regex(line, /Programmed: generation 1,/);
  t.is(await statusWith(kept, reached.http, 'old'), 407);
  t.is(await statusWith(kept, reached.http, 'new'), 200);
});

const badSecrets: ReadonlyArray<readonly [string, string, RegExp]> = [
  ['is gone', '', /there is no Secret test\/users/],
  [
    'has no usable lines',
    '---\n{apiVersion: v1, kind: Secret, metadata: {name: users, namespace: test}, stringData: {auth: "alice:plain"}}\n',
    /line 1: the hash of this user is not bcrypt/,
  ],
  [
    'is not base64',
    '---\n{apiVersion: v1, kind: Secret, metadata: {name: users, namespace: test}, data: {auth: "%%%"}}\n',
    /base64/,
  ],
];

for (const [title, secret, says] of badSecrets) {
  test(`a Secret that ${title}: it is said, and the last good passwords hold`, async (t) => {
    const reached = await origins(t);
    const good = usersSecret({ alice: 'wonderland' });
    const up = await startHeadgate(t, { resources: ([port = 0]) => withPasswords(port) + good });
    const peer = await connectPeer(t, up.port);

    const from = up.stdout.all.length;
    await up.write(withPasswords(up.port) + secret);
    t.regex(await up.stdout.next((line) => line.includes('egress refused'), from), says);

    t.is(await statusWith(peer, reached.http, 'wonderland'), 200);
    t.is(await statusWith(peer, reached.http, 'plain'), 407);

    t.regex(await up.apply(withPasswords(up.port) + good), /Programmed: generation 1,/);
  });
}
