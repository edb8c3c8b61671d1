import { once } from 'node:events';
import { connect as connectTls } from 'node:tls';
import test, { type ExecutionContext } from 'ava';
import { type HeadgateUp, startHeadgate } from '../support/headgate-up.ts';
import { askHttp2, connectHttp2 } from '../support/http2-client.ts';
import { metricValue, untilMetric } from '../support/metrics.ts';
import { type RouteSpec, ruleTo, tlsSecret } from '../support/mirror-route.ts';
import { connectPeer, type Peer } from '../support/peer.ts';
import { type Recorder, seenIn, showing, startRecorder } from '../support/recorder.ts';
import { answerText, type RequestParts, requestText } from '../support/route-request.ts';
import { answering, startScriptedOrigin } from '../support/scripted-origin.ts';
import { makeAuthority } from '../support/tls.ts';

// Routes of several teams on one port. In a directory nobody knows ages: team-a is older than team-b
// by its name, and owns the listener while it is there.

type Specs = Readonly<Record<string, RouteSpec & { readonly listener?: object }>>;

/** Of `NAMESPACE/NAME`, on the port that all of them share unless they say otherwise. */
function render(specs: Specs, port: number): string {
  const documents = Object.entries(specs).map(([resource, { listener, ...spec }]) => {
    const [namespace, name] = resource.split('/');
    const document = {
      apiVersion: 'headgate.dev/v1alpha1',
      kind: 'MirrorRoute',
      metadata: { namespace, name },
      spec: { listeners: [{ name: 'main', port, address: '127.0.0.1', ...listener }], ...spec },
    };
    return `---\n${JSON.stringify(document)}\n`;
  });
  return documents.join('');
}

type World = {
  readonly up: HeadgateUp;
  readonly port: number;
  /** Another one that is free. */
  readonly otherPort: number;
  /** Replaces all routes, and waits for what is said of one of them. */
  change(specs: Specs, line: string): Promise<string>;
};

async function start(t: ExecutionContext, specs: Specs, documents = ''): Promise<World> {
  const up = await startHeadgate(t, {
    ports: 2,
    resources: ([port = 0]) => render(specs, port) + documents,
  });
  const [port = 0, otherPort = 0] = up.ports;
  return {
    up,
    port,
    otherPort,
    async change(next, line) {
      const from = up.stdout.all.length;
      await up.write(render(next, port) + documents);
      return await up.stdout.next((each) => each.startsWith(`MirrorRoute/${line}`), from);
    },
  };
}

const below = (value: string) => ({ matches: [{ path: { type: 'PathPrefix', value } }] });
const startBackends = (t: ExecutionContext): Promise<readonly [Recorder, Recorder]> =>
  Promise.all([startRecorder(t, showing('a')), startRecorder(t, showing('b'))]);

/** Who answers on this connection, or the status of a refusal. */
async function askOn(client: Peer, parts: RequestParts): Promise<string> {
  client.send(requestText(parts));
  const answer = await client.message();
  return answer.status === 200 ? seenIn(answer).by : String(answer.status);
}

test('two teams share a port by host, over one connection, and each request is told of its route', async (t) => {
  const [a, b] = await startBackends(t);
  const { up, port } = await start(t, {
    'team-a/all': { hostnames: ['*.example', 'a.test'], rules: [ruleTo(a)] },
    'team-b/shop': { hostnames: ['shop.example'], rules: [ruleTo(b)] },
  });
  const client = await connectPeer(t, port);

  t.is(await askOn(client, { host: 'shop.example', target: '/one' }), 'b');
  t.is(await askOn(client, { host: 'other.example', target: '/two' }), 'a');
  t.is(await askOn(client, { host: `a.test:${port}`, target: '/three' }), 'a');
  t.is(await askOn(client, { host: 'b.test', target: '/four' }), '404');

  const resourceOf = async (path: string) => {
    const { resource, listener } = await up.accessLog((entry) => entry['path'] === path);
    return [resource, listener];
  };
  t.deepEqual(await resourceOf('/one'), ['team-b/shop', 'main']);
  t.deepEqual(await resourceOf('/two'), ['team-a/all', 'main']);
  t.deepEqual(await resourceOf('/four'), ['team-a/all', 'main']);
  const served = (resource: string) =>
    `headgate_mirror_route_requests_total{resource="${resource}",type="plain",code="200",rule="rule-1"}`;
  await untilMetric(up, served('team-b/shop'), 1);
  await untilMetric(up, served('team-a/all'), 2);
  t.is(
    await metricValue(up, 'headgate_mirror_route_connections{resource="team-a/all"}'),
    1,
    'a connection is the owner’s',
  );
});

test('of routes for one host the oldest that has a rule answers', async (t) => {
  const [a, b] = await startBackends(t);
  const { port } = await start(t, {
    'team-b/rest': { hostnames: ['shop.example'], rules: [ruleTo(b, below('/'))] },
    'team-a/cart': { hostnames: ['shop.example'], rules: [ruleTo(a, below('/cart'))] },
    'team-c/any': { rules: [ruleTo(a)] },
  });
  const client = await connectPeer(t, port);

  t.is(await askOn(client, { target: '/cart/1' }), 'a');
  t.is(await askOn(client, { target: '/pay' }), 'b');
  t.is(await askOn(client, { host: 'other.example', target: '/pay' }), 'a');
});

test('whom a route lets in and what heads it takes is its own matter', async (t) => {
  const [a, b] = await startBackends(t);
  const { up, port } = await start(t, {
    'team-a/open': { hostnames: ['a.example'], rules: [ruleTo(a)] },
    'team-b/closed': {
      hostnames: ['b.example'],
      listener: { allowedClientCIDRs: ['10.0.0.0/8'] },
      rules: [ruleTo(b)],
    },
    'team-c/narrow': { hostnames: ['c.example'], limits: { headerCount: 8 }, rules: [ruleTo(b)] },
  });
  const fields = Array.from({ length: 8 }, (_, at) => `X-Field-${at}: 1`);
  const asked = async (host: string) => await askOn(await connectPeer(t, port), { host, fields });

  t.is(await asked('a.example'), 'a');
  t.is(await asked('b.example'), '403');
  t.is(await asked('c.example'), '431');

  const refusals = await Promise.all(
    ['403', '431'].map((status) => up.accessLog((entry) => String(entry['status']) === status)),
  );
  t.deepEqual(
    refusals.map(({ resource }) => resource),
    ['team-b/closed', 'team-c/narrow'],
  );
});

test('certificates of all are offered by name, and one HTTP/2 connection serves every host', async (t) => {
  const [authority, [a, b]] = [await makeAuthority(t), await startBackends(t)];
  const issued = async (name: string) => await authority.issue({ names: [name, 'localhost'] });
  const secret = async (namespace: string, host: string) =>
    tlsSecret('cert', await issued(host)).replace('"test"', `"${namespace}"`);
  const tls = { certificateRefs: [{ name: 'cert' }] };
  const { up, port } = await start(
    t,
    {
      'team-a/shop': {
        hostnames: ['a.example'],
        listener: { protocol: 'HTTPS', tls },
        rules: [ruleTo(a)],
      },
      'team-b/shop': {
        hostnames: ['b.example'],
        listener: { protocol: 'HTTPS', tls },
        rules: [ruleTo(b)],
      },
    },
    (await secret('team-a', 'a.example')) + (await secret('team-b', 'b.example')),
  );
  const shown = async (servername: string) => {
    const options = { ca: authority.ca, servername, checkServerIdentity: () => undefined };
    const socket = connectTls({ host: '127.0.0.1', port, ...options });
    t.teardown(() => socket.destroy());
    await once(socket, 'secureConnect');
    return socket.getPeerCertificate().subjectaltname?.split(',')[0];
  };

  // The owner's handshake has to know the others before anybody has asked them anything.
  t.is(await shown('b.example'), 'DNS:b.example');
  t.is(await shown('a.example'), 'DNS:a.example');
  t.is(await shown('localhost'), 'DNS:a.example');
  t.is(await shown('elsewhere.example'), 'DNS:a.example');

  const session = await connectHttp2(t, port, authority.ca);
  const by = async (host: string) => {
    const answer = await askHttp2(session, { ':authority': host });
    return answer.status === 200 ? seenIn(answer).by : answer.status;
  };
  t.deepEqual(await Promise.all(['a.example', 'b.example', 'c.example'].map(by)), ['a', 'b', 404]);
  const { resource } = await up.accessLog((entry) => entry['code'] === 'route_not_found');
  t.is(resource, 'team-a/shop');
});

test('a listener that is not quite the same is refused, and told what to make equal', async (t) => {
  const [a, b] = await startBackends(t);
  const first = { hostnames: ['a.example'], rules: [ruleTo(a)] };
  const second = { hostnames: ['b.example'], rules: [ruleTo(b)] };
  const { port, change } = await start(t, { 'team-a/shop': first });

  const line = await change(
    { 'team-a/shop': first, 'team-b/shop': { ...second, listener: { name: 'web' } } },
    'team-b/shop refused',
  );

  t.regex(line, /PortConflict/);
  t.regex(line, /listener "main" of MirrorRoute\/team-a\/shop has/);
  t.regex(line, /give both listeners the same name \(web here, main there\)/);
  const client = await connectPeer(t, port);
  t.is(await askOn(client, { host: 'b.example' }), '404');

  await change({ 'team-a/shop': first, 'team-b/shop': second }, 'team-b/shop Programmed');
  t.is(await askOn(client, { host: 'b.example' }), 'b', 'over the connection that was there');
});

test('what all who share a listener change about it, they change together', async (t) => {
  const [a, b] = await startBackends(t);
  const specs = (name: string, other = name): Specs => ({
    'team-a/shop': { listener: { name }, rules: [ruleTo(a, below('/a'))] },
    'team-b/shop': { listener: { name: other }, rules: [ruleTo(b)] },
  });
  const { port, change } = await start(t, specs('main'));

  await change(specs('main', 'web'), 'team-b/shop refused');
  await change(specs('web'), 'team-b/shop Programmed');

  const client = await connectPeer(t, port);
  t.is(await askOn(client, { target: '/a' }), 'a');
  t.is(await askOn(client, { target: '/b' }), 'b');
});

/** Asks one thing after the other until told to stop; connects again when told to. */
async function askAlways(t: ExecutionContext, port: number, host: string) {
  let [asking, done] = [true, 0];
  let changed = Promise.withResolvers<void>();
  const failures: string[] = [];
  const ended = (async () => {
    let client = await connectPeer(t, port);
    while (asking) {
      client.send(requestText({ host }));
      const answer = await client.message();
      if (answer.status !== 200) failures.push(answer.startLine);
      if (answer.field('connection') === 'close') client = await connectPeer(t, port);
      done += 1;
      changed.resolve();
      changed = Promise.withResolvers();
    }
  })().catch((error: Error) => {
    failures.push(error.message);
    changed.resolve();
  });
  return {
    failures,
    async more(count: number) {
      for (const goal = done + count; done < goal && failures.length === 0; ) await changed.promise;
    },
    async stop() {
      asking = false;
      await ended;
    },
  };
}

test('the owner is removed, comes back and moves, and no request of the other fails', async (t) => {
  const [a, b] = await startBackends(t);
  const drain = { timeout: '30s', jitter: '0s' };
  const first = { hostnames: ['a.example'], drain, rules: [ruleTo(a)] };
  const second = { hostnames: ['b.example'], drain, rules: [ruleTo(b)] };
  const both = { 'team-a/shop': first, 'team-b/shop': second };
  const { up, port, otherPort, change } = await start(t, both);
  const load = await Promise.all([0, 1, 2, 3].map(() => askAlways(t, port, 'b.example')));
  const more = async () => await Promise.all(load.map((each) => each.more(50)));
  const owners = async (resource: string, count: number) =>
    await untilMetric(up, `headgate_mirror_route_connections{resource="${resource}"}`, count);
  await more();
  await owners('team-a/shop', 4);

  await change({ 'team-b/shop': second }, 'team-a/shop removed');
  await more();
  await owners('team-b/shop', 4);
  // Every thread has heard of the removal when every thread serves what came after it.
  const edited = { ...second, timeouts: { idle: '50s' } };
  await change({ 'team-b/shop': edited }, 'team-b/shop Programmed: generation 2');
  const left = await connectPeer(t, port);
  t.is(await askOn(left, { host: 'a.example' }), '404');

  await change(both, 'team-a/shop Programmed');
  t.is(await askOn(left, { host: 'a.example' }), 'a', 'over a connection that is not its own');
  await more();

  const kept = await connectPeer(t, port);
  t.is(await askOn(kept, { host: 'a.example' }), 'a');
  const moved = { ...first, listener: { port: otherPort } };
  await change(
    { 'team-a/shop': moved, 'team-b/shop': second },
    'team-a/shop Programmed: generation 2',
  );
  t.is(await askOn(kept, { host: 'b.example' }), 'b', 'who accepted it has left the port');
  t.is(await askOn(kept, { host: 'a.example' }), '404');
  t.is(await askOn(await connectPeer(t, otherPort), { host: 'a.example' }), 'a');
  await more();

  await Promise.all(load.map((each) => each.stop()));
  t.deepEqual(
    load.flatMap(({ failures }) => failures),
    [],
  );
});

test('those who moved away together are still told apart on the connections they had', async (t) => {
  const [a, b] = await startBackends(t);
  const first = { hostnames: ['a.example'], rules: [ruleTo(a)] };
  const second = { hostnames: ['b.example'], rules: [ruleTo(b)] };
  const { port, otherPort, change } = await start(t, {
    'team-a/shop': first,
    'team-b/shop': second,
  });
  const kept = await connectPeer(t, port);
  t.is(await askOn(kept, { host: 'a.example' }), 'a');

  const listener = { port: otherPort };
  await change(
    { 'team-a/shop': { ...first, listener }, 'team-b/shop': { ...second, listener } },
    'team-b/shop Programmed',
  );
  t.is(await askOn(kept, { host: 'b.example' }), 'b');
  await change({ 'team-a/shop': { ...first, listener } }, 'team-b/shop removed');

  let answer = 'b';
  while (answer === 'b') answer = await askOn(kept, { host: 'b.example' });
  t.is(answer, '404');
});

test('routes that swap ports keep the connections they have', async (t) => {
  const [a, b] = await startBackends(t);
  const specs = (ports: readonly [number, number]): Specs => ({
    'team-a/shop': { listener: { name: 'a', port: ports[0] }, rules: [ruleTo(a)] },
    'team-b/shop': { listener: { name: 'b', port: ports[1] }, rules: [ruleTo(b)] },
  });
  const up = await startHeadgate(t, {
    ports: 2,
    resources: ([one = 0, two = 0]) => render(specs([one, two]), 0),
  });
  const [one = 0, two = 0] = up.ports;
  const kept = await connectPeer(t, one);
  t.is(await askOn(kept, {}), 'a');

  await up.apply(render(specs([two, one]), 0), 'team-b/shop');

  t.is(await askOn(kept, {}), 'a');
  t.is(await askOn(await connectPeer(t, one), {}), 'b');
});

test('who leaves takes its own requests along when they are done, and no connection of others', async (t) => {
  const asked = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const a = await startRecorder(t, showing('a'));
  const slow = await startScriptedOrigin(t, async (peer) => {
    await peer.message();
    asked.resolve();
    await release.promise;
    peer.send(answerText('finished'));
  });
  const drain = { timeout: '1h', jitter: '0s' };
  const first = { hostnames: ['a.example'], rules: [ruleTo(a)] };
  const second = { hostnames: ['b.example'], drain, rules: [ruleTo(slow)] };
  const { up, port, change } = await start(t, {
    'team-a/shop': first,
    'team-b/shop': second,
  });
  const client = await connectPeer(t, port);
  client.send(requestText({ host: 'b.example', target: '/slow' }));
  await asked.promise;

  await change({ 'team-a/shop': first }, 'team-b/shop removed');
  await untilMetric(up, 'headgate_drain_remaining', 1);
  release.resolve();

  const answer = await client.message();
  t.is(answer.body, 'finished');
  t.not(answer.field('connection'), 'close');
  t.is(await askOn(client, { host: 'a.example' }), 'a');
  t.is(await askOn(client, { host: 'b.example' }), '404');
  await untilMetric(up, 'headgate_drain_remaining', 0);
  t.is((await up.accessLog((entry) => entry['path'] === '/slow'))['resource'], 'team-b/shop');
});

test('the owner goes while a request of another is under way on its connection', async (t) => {
  const asked = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const a = await startRecorder(t, showing('a'));
  const slow = await startScriptedOrigin(t, async (peer) => {
    await peer.message();
    asked.resolve();
    await release.promise;
    peer.send(answerText('finished'));
  });
  const drain = { timeout: '1h', jitter: '0s' };
  const second = { hostnames: ['b.example'], drain, rules: [ruleTo(slow)] };
  const { up, port, change } = await start(t, {
    'team-a/shop': { hostnames: ['a.example'], drain, rules: [ruleTo(a)] },
    'team-b/shop': second,
  });
  const client = await connectPeer(t, port);
  client.send(requestText({ host: 'b.example' }));
  await asked.promise;
  const late = await connectPeer(t, port);
  late.send('GET / HTTP/1.1\r\n');
  const series = 'connections_total{resource="team-a/shop",listener="main",protocol="http"}';
  await untilMetric(up, `headgate_mirror_route_${series}`, 2);

  await change({ 'team-b/shop': second }, 'team-a/shop removed');
  await untilMetric(up, 'headgate_drain_remaining', 2);
  late.send('Host: a.example\r\n\r\n');
  release.resolve();

  const last = await late.message();
  t.is(seenIn(last).by, 'a', 'it answers to the end what comes over its own connections');
  t.is(last.field('connection'), 'close');

  const answer = await client.message();
  t.is(answer.body, 'finished');
  t.is(answer.field('connection'), 'close');
});

test('an upgrade goes to the route of its host and counts there; its place is the owner’s', async (t) => {
  const a = await startRecorder(t, showing('a'));
  const echo = await startScriptedOrigin(t, async (peer) => {
    await peer.head();
    peer.send('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
    for (;;) peer.send(await peer.bytes(1));
  });
  const { up, port } = await start(t, {
    'team-a/shop': { hostnames: ['a.example'], limits: { connections: 2 }, rules: [ruleTo(a)] },
    'team-b/echo': { hostnames: ['b.example'], limits: { upgrades: 1 }, rules: [ruleTo(echo)] },
  });
  const fields = ['Connection: Upgrade', 'Upgrade: echo'];
  const upgrade = requestText({ host: 'b.example', fields });
  const [client, second] = [await connectPeer(t, port), await connectPeer(t, port)];
  // It was kept, and waits idle.
  t.is(await askOn(client, { host: 'a.example' }), 'a');

  client.send(upgrade);
  t.is((await client.head()).status, 101);
  client.send('hello');
  t.is(await client.bytes(5), 'hello');
  await untilMetric(up, 'headgate_tunnels{resource="team-b/echo",relay="stream"}', 1);
  second.send(upgrade);
  t.is((await second.head()).status, 503, 'limits.upgrades is of the route');
  const third = await connectPeer(t, port);
  third.send(requestText({ host: 'b.example' }));
  t.is((await third.head()).status, 503, 'limits.connections is of the owner');
  const turnedAway = await up.accessLog((entry) => entry['rule'] === 'limit');
  t.is(turnedAway['resource'], 'team-a/shop');
  client.send('still there');
  t.is(await client.bytes(11), 'still there');
  client.socket.destroy();

  const ended = await up.accessLog((entry) => entry['status'] === 101);
  t.is(ended['resource'], 'team-b/echo');
  await untilMetric(up, 'headgate_tunnels{resource="team-b/echo",relay="stream"}', 0);
  await untilMetric(up, 'headgate_mirror_route_connections{resource="team-a/shop"}', 0);
});

test('requests in one packet for several routes are answered in order', async (t) => {
  const [a, b] = await startBackends(t);
  const { port } = await start(t, {
    'team-a/shop': { hostnames: ['a.example'], rules: [ruleTo(a)] },
    'team-b/shop': { hostnames: ['b.example'], rules: [ruleTo(b)] },
  });
  const client = await connectPeer(t, port);
  const hosts = ['a.example', 'b.example', 'b.example', 'a.example', 'nobody.example'];

  client.send(hosts.map((host) => requestText({ host, method: 'POST', body: host })).join(''));

  const answers = [];
  for (const _ of hosts) answers.push(await client.message());
  t.deepEqual(
    answers.map((each) => (each.status === 200 ? seenIn(each).by : each.status)),
    ['a', 'b', 'b', 'a', 404],
  );
});

test('a ForwardProxy shares its port with nobody', async (t) => {
  const backend = await startScriptedOrigin(t, answering(answerText('ok')));
  const { up, port } = await start(t, { 'team-a/shop': { rules: [ruleTo(backend)] } });
  const proxy = {
    apiVersion: 'headgate.dev/v1alpha1',
    kind: 'ForwardProxy',
    metadata: { namespace: 'team-b', name: 'egress' },
    spec: { listeners: [{ name: 'main', port, address: '127.0.0.1' }] },
  };

  await up.write(JSON.stringify(proxy), 'proxy.yaml');

  const line = await up.stdout.next((each) => each.startsWith('ForwardProxy/team-b/egress'));
  t.regex(line, /refused.*PortConflict/);
  t.notRegex(line, /share/);
});
