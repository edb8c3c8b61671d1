import test, { type ExecutionContext } from 'ava';
import { ask, deadAuthority, get, request } from '../support/ask.ts';
import { proxyAuthorization } from '../support/connect.ts';
import { basicAuthentication, forwardProxy, usersSecret } from '../support/forward-proxy.ts';
import { startHeadgate } from '../support/headgate-up.ts';
import { untilMetric } from '../support/metrics.ts';
import { echo, startOrigin, startTcpOrigin } from '../support/origin.ts';
import { connectPeer, type Peer } from '../support/peer.ts';
import { type Proxies, startProxies } from '../support/proxies.ts';
import { fileScope } from '../support/scope.ts';
import { startScriptedOrigin } from '../support/scripted-origin.ts';

// Each test has a proxy of its own: its name tells the lines apart.
const scope = fileScope();
const addressPolicy = { allowCIDRs: ['127.0.0.0/8'] };
const specs = {
  plain: {},
  query: { accessLog: { redactQuery: false } },
  named: { authentication: basicAuthentication },
  tunnels: {},
  socks: {},
  upgrades: {},
  denying: {
    egress: { rules: [{ name: 'nowhere', action: 'Deny', ports: ['1-65535'] }], addressPolicy },
  },
  failing: {},
  reporting: {
    egress: {
      defaultAction: 'Report',
      rules: [
        { name: 'first-look', action: 'Report', cidrs: ['127.0.0.0/8'] },
        { name: 'second-look', action: 'Report', ports: ['1-65535'] },
        { name: 'elsewhere', action: 'Deny', hosts: ['elsewhere.example'] },
      ],
      addressPolicy,
    },
  },
  malformed: {},
} as const;

let proxies: Proxies<keyof typeof specs>;

test.before('proxies', async () => {
  proxies = await startProxies(scope, specs, { documents: usersSecret({ alice: 'wonderland' }) });
});

type Name = keyof typeof specs;

const portOf = (name: Name) => proxies.portOf[name];

/** The line of a request of this proxy that matches, as far as it does not change from run to run. */
async function lineOf(name: Name, matches: (entry: Entry) => boolean = () => true): Promise<Entry> {
  return await proxies.up.accessLog(
    (entry) => entry['resource'] === `test/${name}` && matches(entry),
  );
}

type Entry = Readonly<Record<string, unknown>>;

async function openTunnel(t: ExecutionContext, port: number, authority: string): Promise<Peer> {
  const peer = await connectPeer(t, port);
  peer.send(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
  t.is((await peer.head()).status, 200);
  return peer;
}

test('a plain request: every field', async (t) => {
  const { authority } = await startOrigin(t);
  const startedMs = Date.now();
  const text = request('POST', authority, 'Content-Length: 5').replace(
    `${authority}/`,
    `${authority}/echo/path?token=s3cret`,
  );

  const answer = await ask(t, portOf('plain'), `${text}hello`);
  const { time, durationMs, version, ...rest } = await lineOf('plain');

  t.deepEqual(rest, {
    resource: 'test/plain',
    listener: 'all',
    type: 'plain',
    client: '127.0.0.1',
    user: null,
    method: 'POST',
    target: authority,
    path: '/echo/path?…',
    status: 200,
    verdict: 'allowed',
    rule: 'default',
    reported: [],
    code: null,
    upstream: '127.0.0.1',
    received: 5,
    sent: answer.body.length,
  });
  t.regex(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  t.true(Date.parse(String(time)) >= startedMs);
  t.true(Number(durationMs) >= 0 && Number(durationMs) <= Date.now() - startedMs);
  const { stdout } = await proxies.up.cli('get', 'fp', 'plain', '-o', 'json');
  t.is(version, JSON.parse(stdout).status.configVersion);
});

test('redactQuery: false shows the query', async (t) => {
  const { authority } = await startOrigin(t);

  await ask(t, portOf('query'), get(authority).replace(`${authority}/`, `${authority}/a?b=c`));

  t.is((await lineOf('query'))['path'], '/a?b=c');
});

test('who logged in is named; who failed to is not let through under that name', async (t) => {
  const { authority } = await startOrigin(t);
  const { 'proxy-authorization': right } = proxyAuthorization('alice', 'wonderland');
  const { 'proxy-authorization': wrong } = proxyAuthorization('alice', 'looking-glass');

  await ask(t, portOf('named'), get(authority, `Proxy-Authorization: ${right}`));
  await ask(t, portOf('named'), get(authority, `Proxy-Authorization: ${wrong}`));

  t.like(await lineOf('named', ({ status }) => status === 200), {
    user: 'alice',
    verdict: 'allowed',
    code: null,
  });
  t.like(await lineOf('named', ({ status }) => status === 407), {
    verdict: 'denied',
    code: 'authentication_required',
    upstream: null,
  });
});

test('a tunnel: one line, at its end, with the bytes of both directions', async (t) => {
  const { authority } = await startTcpOrigin(t, echo);
  const tunnel = await openTunnel(t, portOf('tunnels'), authority);
  tunnel.send('hello');
  t.is(await tunnel.bytes(5), 'hello');
  t.false(proxies.up.stdout.all.some((line) => line.includes('test/tunnels","listener')));

  tunnel.socket.end();
  await tunnel.rest();

  t.like(await lineOf('tunnels'), {
    type: 'connect',
    method: 'CONNECT',
    target: authority,
    path: null,
    status: 200,
    verdict: 'allowed',
    code: null,
    upstream: '127.0.0.1',
    received: 5,
    sent: 5,
  });
});

test('SOCKS4 and SOCKS5: the reply is the status', async (t) => {
  const { authority } = await startTcpOrigin(t, echo);
  const port = Number(authority.split(':')[1]);
  const portBytes = Buffer.from([port >> 8, port & 255]);
  const socks4 = await connectPeer(t, portOf('socks'));
  socks4.send(Buffer.from([4, 1, ...portBytes, 127, 0, 0, 1, 0]));
  await socks4.bytes(8);
  const socks5 = await connectPeer(t, portOf('socks'));
  socks5.send(Buffer.from([5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, ...portBytes]));
  await socks5.bytes(12);

  for (const peer of [socks4, socks5]) peer.socket.end();

  for (const [type, status] of [
    ['socks4', 90],
    ['socks5', 0],
  ] as const) {
    t.like(await lineOf('socks', (entry) => entry['type'] === type), {
      status,
      method: null,
      target: authority,
      verdict: 'allowed',
    });
  }
});

test('an upgrade: 101, and the bytes that followed', async (t) => {
  const { authority } = await startScriptedOrigin(t, async (origin) => {
    await origin.message();
    origin.send('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n');
    origin.send(await origin.bytes(5));
    await origin.rest();
    origin.socket.end();
  });
  const { client } = await ask(
    t,
    portOf('upgrades'),
    get(authority, 'Connection: Upgrade', 'Upgrade: x'),
  );
  client.send('hello');
  await client.bytes(5);
  client.socket.end();

  t.like(await lineOf('upgrades'), {
    type: 'upgrade',
    status: 101,
    target: authority,
    verdict: 'allowed',
    received: 5,
    sent: 5,
  });
});

test('what policy denies names its rule', async (t) => {
  await ask(t, portOf('denying'), get('127.0.0.1:8'));

  t.like(await lineOf('denying'), {
    status: 403,
    verdict: 'denied',
    rule: 'nowhere',
    code: 'http_request_denied',
    target: '127.0.0.1:8',
    upstream: null,
    sent: 0,
  });
});

test('what fails upstream says why', async (t) => {
  const authority = await deadAuthority();

  await ask(t, portOf('failing'), get(authority));

  t.like(await lineOf('failing'), {
    status: 502,
    verdict: 'failed',
    code: 'connection_refused',
    target: authority,
  });
});

test('what is only reported is let through, and the line names every rule that would have denied', async (t) => {
  const { authority } = await startOrigin(t);

  const answer = await ask(t, portOf('reporting'), get(authority));

  t.is(answer.status, 200);
  t.like(await lineOf('reporting'), {
    status: 200,
    verdict: 'allowed',
    rule: 'default',
    reported: ['first-look', 'second-look', 'default'],
  });
  for (const rule of ['first-look', 'second-look', 'default']) {
    const labels = `{resource="test/reporting",rule="${rule}"}`;
    await untilMetric(proxies.up, `headgate_forward_proxy_would_deny_total${labels}`, 1);
  }
});

test('what is not HTTP has a line too', async (t) => {
  const client = await connectPeer(t, portOf('malformed'));
  client.send('GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n');
  await client.message();
  const other = await connectPeer(t, portOf('malformed'));
  other.send('GET http://a/ HTTP/1.1\nHost: a\n\n');
  await other.rest();

  t.like(await lineOf('malformed', ({ method }) => method === 'GET'), {
    status: 400,
    verdict: 'denied',
    code: 'http_request_error',
    target: null,
  });
  t.like(await lineOf('malformed', ({ method }) => method === null), {
    status: 400,
    verdict: 'denied',
    code: 'http_request_error',
  });
});

test('with accessLog off nothing is written, though everything is counted', async (t) => {
  const { authority } = await startOrigin(t);
  const up = await startHeadgate(t, {
    resources: ([port = 0]) => forwardProxy({ port, spec: { accessLog: { enabled: false } } }),
  });

  t.is((await ask(t, up.port, get(authority))).status, 200);
  const labels = '{resource="test/egress",type="plain",code="200",rule="default"}';
  await untilMetric(up, `headgate_forward_proxy_requests_total${labels}`, 1);
  await up.stop();

  t.deepEqual(
    up.stdout.all.filter((line) => line.startsWith('{')),
    [],
  );
});
