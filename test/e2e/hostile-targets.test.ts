import { networkInterfaces } from 'node:os';
import test, { type ExecutionContext } from 'ava';
import { type DnsServer, startDnsServer } from '../support/dns-server.ts';
import { type Origin, startOrigin } from '../support/origin.ts';
import { connectPeer, type Message } from '../support/peer.ts';
import { type Proxies, startProxies } from '../support/proxies.ts';
import { fileScope } from '../support/scope.ts';
import { answering, startScriptedOrigin } from '../support/scripted-origin.ts';

// Where requests want to go: research/forward-and-mirror.md §5.2. One process serves the file.
const scope = fileScope();
let origin: Origin;
let dns: DnsServer;
let proxies: Proxies<'open' | 'careful' | 'ruled' | 'wide'>;

test.before('an origin, names for it, and proxies with several ideas of where to go', async () => {
  [origin, dns] = await Promise.all([startOrigin(scope), startDnsServer(scope)]);
  for (const name of ['origin.test', 'under_score.test', 'xn--mnchen-3ya.test', 'blocked.test']) {
    dns.set(name, { A: ['127.0.0.1'] });
  }
  const everywhere = { addressPolicy: { allowCIDRs: ['0.0.0.0/0', '::/0'] } };
  const loopback = { addressPolicy: { allowCIDRs: ['127.0.0.0/8', '::1/128', '0.0.0.0/8'] } };
  const rules = [
    { name: 'no-blocked', action: 'Deny', hosts: ['blocked.test', '*.blocked.test'] },
    { name: 'no-loopback', action: 'Deny', cidrs: ['127.0.0.0/8'] },
  ];
  proxies = await startProxies(
    scope,
    {
      open: {},
      careful: { egress: {} },
      ruled: { egress: { ...loopback, rules } },
      wide: (port) => ({
        listeners: [{ name: 'all', port, address: '::', protocol: 'Mixed' }],
        egress: everywhere,
      }),
    },
    { args: ['--dns-server', dns.address] },
  );
});

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** One request for `target`, with a Host of its own unless `fields` say otherwise. */
async function ask(
  t: ExecutionContext,
  port: number,
  target: string,
  { method = 'GET', fields = ['Host: whatever.test'] }: Asked = {},
): Promise<Message> {
  const client = await connectPeer(t, port);
  client.send(`${[`${method} ${target} HTTP/1.1`, ...fields].join('\r\n')}\r\n\r\n`);
  return client.message({ bodyless: method === 'HEAD' });
}

type Asked = { readonly method?: string; readonly fields?: readonly string[] };

const authority = () => origin.authority;
const [open, careful, ruled, wide] = (['open', 'careful', 'ruled', 'wide'] as const).map(
  (name) => () => proxies.portOf[name],
) as [() => number, () => number, () => number, () => number];

function isError(t: ExecutionContext, answer: Message, status: number, what: string): void {
  t.is(answer.status, status, what);
  t.regex(answer.field('proxy-status') ?? '', /; error=\w+; details="/, what);
  t.not(answer.body, '', what);
}

/** The requests an origin of its own gets when `target`, with its port filled in, is asked for. */
async function seenFor(
  t: ExecutionContext,
  target: (authority: string) => string,
  asked: Asked = {},
): Promise<Message> {
  const seen = Promise.withResolvers<Message>();
  const { authority } = await startScriptedOrigin(t, async (peer) => {
    seen.resolve(await peer.message());
    peer.send(asked.method === 'HEAD' ? 'HTTP/1.1 200 OK\r\n\r\n' : ok);
  });
  t.is((await ask(t, open(), target(authority), asked)).status, 200);
  return seen.promise;
}

type Refused = {
  readonly id: string;
  readonly title: string;
  /** `AUTHORITY` stands for an origin that would answer. */
  readonly asked: ReadonlyArray<readonly [target: string, asked?: Asked]>;
};

const url = 'http://AUTHORITY/';
const hosts = (...values: readonly string[]): Asked => ({
  fields: values.map((value) => `Host: ${value}`),
});
const local = (host: string) => `http://${host}:PORT/`;

const refused: readonly Refused[] = [
  { id: 'T2', title: 'no Host', asked: [[url, { fields: ['X: 1'] }]] },
  {
    id: 'T3',
    title: 'two Hosts, or one that is no host',
    asked: [
      [url, hosts('a.test', 'a.test')],
      [url, hosts('a.test', 'AUTHORITY')],
      ...['', 'a/b', 'a?b', 'a@b', 'a b', 'a#b', 'a\\b', 'a\tb'].map(
        (value) => [url, hosts(value)] as const,
      ),
    ],
  },
  {
    id: 'T4',
    title: 'a path alone',
    asked: ['/', '/path', '//AUTHORITY/', '/http://AUTHORITY/'].map(
      (target) => [target, hosts('AUTHORITY')] as const,
    ),
  },
  {
    id: 'T5',
    title: 'https without CONNECT',
    asked: [['https://AUTHORITY/'], ['HTTPS://a.test/']],
  },
  {
    id: 'T6',
    title: 'another scheme, or none',
    asked: [
      ...['ftp', 'file', 'gopher', 'ws', 'htp', 'httpx'].map(
        (scheme) => [`${scheme}://AUTHORITY/`] as const,
      ),
      ['http:/AUTHORITY/'],
      ['http:AUTHORITY/'],
      ['javascript:alert(1)'],
      ['AUTHORITY'],
      ['a.test'],
    ],
  },
  {
    id: 'T7',
    title: 'user information',
    asked: [
      ['http://u@AUTHORITY/'],
      ['http://u:p@AUTHORITY/'],
      ['http://@AUTHORITY/'],
      ['http://AUTHORITY:80@evil.test/'],
    ],
  },
  {
    id: 'T8',
    title: 'no host',
    asked: [['http://'], ['http:///'], ['http://:80/'], ['http://?a'], ['http://[]/']],
  },
  {
    id: 'T10',
    title: 'a zone, an address of the future, brackets gone wrong',
    asked: [
      '[fe80::1%25lo]',
      '[fe80::1%lo]',
      '[v1.a]',
      '::1',
      '[::1',
      '::1]',
      '[::1]x',
      '[127.0.0.1]',
      '[[::1]]',
    ].map((host) => [local(host)] as const),
  },
  {
    id: 'T11',
    title: 'numbers that are no address in any reading',
    asked: ['4294967296', '256.0.0.1', '1.2.3.4.5', '0x100000000', '09.1'].map(
      (host) => [local(host)] as const,
    ),
  },
  {
    id: 'T12',
    title: 'names with empty or overlong parts, or letters that are none',
    asked: ['a..test', '.a.test', '.', 'a.test..', 'a%2etest', '%61.test', `${'a'.repeat(64)}.test`]
      .concat([`${'a.'.repeat(127)}test`, 'a,b.test', '*.test', 'a;b.test'])
      .map((host) => [local(host)] as const),
  },
  {
    id: 'T13',
    title: 'a port that is none',
    asked: ['0', '00', '65536', '99999999999', '-80', '+80', '8o', '80x', '0x50', '80:80'].map(
      (port) => [`http://origin.test:${port}/`] as const,
    ),
  },
  {
    id: 'T14',
    title: 'fragments, spaces, letters beyond ASCII',
    asked: [
      ['http://AUTHORITY/#f'],
      ['http://AUTHORITY#f'],
      ['http://AUTHORITY/?q#f'],
      ['http://AUTHORITY/a b'],
      ['http://AUTHORITY/a\tb'],
      ['http://AUTHORITY/\xe9'],
      ['http://m\xfcnchen.test/'],
      ['http://AUTHORITY/\x7f'],
      ['http://AUTHORITY/\0'],
    ],
  },
  {
    id: 'T18',
    title: 'an asterisk for anything but OPTIONS',
    asked: ['GET', 'POST', 'HEAD', 'PUT'].map((method) => ['*', { ...hosts('AUTHORITY'), method }]),
  },
];

for (const { id, title, asked } of refused) {
  test(`${id}: ${title}: 400`, async (t) => {
    const port = new URL(origin.url).port;
    const fill = (text: string) =>
      text.replaceAll('AUTHORITY', authority()).replaceAll('PORT', port);
    const before = origin.requests.length;
    await Promise.all(
      asked.map(async ([target, { fields, method } = {}]) => {
        const answer = await ask(t, open(), fill(target), {
          ...(method === undefined ? {} : { method }),
          ...(fields === undefined ? {} : { fields: fields.map(fill) }),
        });
        if (method === 'HEAD') t.is(answer.status, 400);
        else isError(t, answer, 400, JSON.stringify([target, fields, method]));
      }),
    );
    t.true(origin.requests.slice(before).every(({ url }) => !url.includes('evil')));
  });
}

test('T1: the target decides, and the Host that goes on is that of the target', async (t) => {
  const client = await connectPeer(t, open());

  client.send(`GET http://${authority()}/echo HTTP/1.1\r\nhost: elsewhere.test\r\n\r\n`);

  const { rawHeaders } = JSON.parse((await client.message()).body);
  t.regex(rawHeaders.join(), new RegExp(`^host,${authority()},`, 'i'));
  t.notRegex(rawHeaders.join(), /elsewhere/);
});

const paths = [
  ['', '/'],
  ['?', '/?'],
  ['?a=/b', '/?a=/b'],
  ['/', '/'],
  ['/%2F%2e%2E/..//./;p=1?a=%00&b=//c??', '/%2F%2e%2E/..//./;p=1?a=%00&b=//c??'],
  ['//evil.test/', '//evil.test/'],
  ['/http://evil.test/', '/http://evil.test/'],
  ['/*', '/*'],
  ["/a|b^c`d{e}f'g(h)[i]", "/a|b^c`d{e}f'g(h)[i]"],
] as const;

for (const [sent, arrives] of paths) {
  test(`T8, T9: path and query arrive byte for byte, an empty path as /: ${sent}`, async (t) => {
    const { startLine } = await seenFor(t, (authority) => `http://${authority}${sent}`);

    t.is(startLine, `GET ${arrives} HTTP/1.1`);
  });
}

const options = [
  ['', '*'],
  ['/', '/'],
  ['?q', '/?q'],
  ['/*', '/*'],
] as const;

for (const [sent, arrives] of options) {
  test(`T8: OPTIONS http://host${sent} arrives as OPTIONS ${arrives}`, async (t) => {
    const target = (authority: string) => `http://${authority}${sent}`;

    const { startLine, field } = await seenFor(t, target, { method: 'OPTIONS' });

    t.is(startLine, `OPTIONS ${arrives} HTTP/1.1`);
    t.truthy(field('host'));
  });
}

test('T8: OPTIONS for the proxy itself is answered by it', async (t) => {
  const answer = await ask(t, open(), '*', { method: 'OPTIONS' });

  t.is(answer.status, 200);
  t.regex(answer.field('allow') ?? '', /CONNECT/);
});

test('T10: an IPv6 literal goes in and out in brackets', async (t) => {
  if (!hasIpv6) return void t.pass('this machine has no ::1');
  const six = await startOrigin(t, { host: '::1' });

  for (const host of ['[::1]', '[0:0::0:1]', '[0000:0000:0000:0000:0000:0000:0000:0001]']) {
    const answer = await ask(t, open(), `http://${host}:${six.port}/`);
    t.is(answer.status, 200, host);
  }

  t.deepEqual(
    six.requests.map(({ headers }) => headers.host),
    Array(3).fill(`[::1]:${six.port}`),
  );
});

const hasIpv6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === '::1'),
);

/** All of them are 127.0.0.1 to somebody. */
const loopbackSpellings = [
  '127.0.0.1',
  '127.0.0.1.',
  '127.1',
  '127.0.1',
  '2130706433',
  '0x7f.1',
  '0x7F000001',
  '0x7f000001',
  '0177.0.0.1',
  '017700000001',
  '0x7f.0x0.0x0.0x1',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[0:0:0:0:0:FFFF:7F00:0001]',
  'origin.test',
  'ORIGIN.test.',
] as const;

for (const host of loopbackSpellings) {
  test(`T10, T11: ${host} is the address it stands for: to rules, to the address policy, to the dialer`, async (t) => {
    const target = `http://${host}:${origin.port}/`;

    const reached = await ask(t, open(), target);
    const [byRule, byPolicy] = await Promise.all([
      ask(t, ruled(), target),
      ask(t, careful(), target),
    ]);

    t.is(reached.status, 200);
    isError(t, byRule, 403, 'by rule');
    t.regex(byRule.body, /rule "no-loopback" of spec\.egress\.rules/);
    isError(t, byPolicy, 403, 'by address policy');
    t.regex(byPolicy.body, /127\.0\.0\.1 is Loopback: .*spec\.egress\.addressPolicy/);
    t.regex(byPolicy.field('proxy-status') ?? '', /error=destination_ip_prohibited/);
  });
}

for (const host of loopbackSpellings) {
  test(`T10, T11: CONNECT ${host} is no way around them either`, async (t) => {
    const target = `${host}:${origin.port}`;
    for (const port of [ruled(), careful()]) {
      const answer = await ask(t, port, target, { method: 'CONNECT' });
      isError(t, answer, 403, target);
    }
  });
}

for (const host of [
  '0.0.0.0',
  '0',
  '0x0',
  '[::]',
  '[::ffff:0.0.0.0]',
  '[::127.0.0.1]',
  '[64:ff9b::7f00:1]',
  '[2002:7f00:1::]',
]) {
  test(`T11: ${host} leads nowhere near the loopback by default`, async (t) => {
    const answer = await ask(t, careful(), `http://${host}:${origin.port}/`);

    isError(t, answer, 403, host);
    t.regex(answer.field('proxy-status') ?? '', /error=destination_ip_prohibited/);
  });
}

for (const name of [
  'blocked.test',
  'BLOCKED.TEST',
  'Blocked.Test.',
  'a.blocked.test',
  'A.B.Blocked.test.',
]) {
  test(`T12: a rule for a name finds it in every spelling: ${name}`, async (t) => {
    const answer = await ask(t, ruled(), `http://${name}:${origin.port}/`);

    isError(t, answer, 403, name);
    t.regex(answer.body, /rule "no-blocked"/);
  });
}

const spellings = [
  ['ORIGIN.Test', 'origin.test'],
  ['origin.test.', 'origin.test'],
  ['UNDER_score.test', 'under_score.test'],
  ['XN--MNCHEN-3YA.test', 'xn--mnchen-3ya.test'],
] as const;

for (const [sent, normal] of spellings) {
  test(`T12: ${sent} has one normal form: in DNS, in Host, in the access log`, async (t) => {
    const { field } = await seenFor(t, (authority) => `http://${sent}:${authority.split(':')[1]}/`);

    const target = field('host') ?? '';
    t.regex(target, new RegExp(`^${normal}:\\d+$`));
    t.true(dns.queriesFor(normal) > 0);
    const entry = await proxies.up.accessLog((entry) => entry['target'] === target);
    t.is(entry['status'], 200);
  });
}

test('T13: leading zeros are no other port, and no port is 80', async (t) => {
  const { field } = await seenFor(t, (authority) => `http://${authority.replace(':', ':000')}/`);
  t.regex(field('host') ?? '', /^127\.0\.0\.1:[1-9]/);

  for (const target of ['http://127.0.0.9:/', 'http://127.0.0.9/']) {
    const answer = await ask(t, careful(), target);
    isError(t, answer, 403, target);
    const entry = await proxies.up.accessLog((entry) => entry['target'] === '127.0.0.9:80');
    t.is(entry['status'], 403);
  }
});

/** Our own addresses, as a client may write them; the port is filled in. */
const selves = [
  '127.0.0.1',
  '127.1',
  'localhost',
  'origin.test',
  '0.0.0.0',
  '0',
  '[::ffff:127.0.0.1]',
  '[::]',
] as const;

function isLoop(t: ExecutionContext, answer: Message, what: string): void {
  isError(t, answer, 502, what);
  t.regex(answer.field('proxy-status') ?? '', /error=proxy_loop_detected/, what);
}

for (const host of selves) {
  test(`T15: ${host} is this proxy: every listener of it, and its admin port`, async (t) => {
    const admin = Number(new URL(proxies.up.admin).port);
    for (const port of [open(), careful(), wide(), admin]) {
      isLoop(t, await ask(t, wide(), `http://${host}:${port}/metrics`), `${host}:${port}`);
      const tunnel = await ask(t, wide(), `${host}:${port}`, { method: 'CONNECT' });
      isLoop(t, tunnel, `CONNECT ${host}:${port}`);
    }
  });
}

test('T15: a listener on every address is found by each of them', async (t) => {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const reachable = all.filter(({ address, scopeid }) => address !== '' && !scopeid);
  const hosts = reachable.map(({ address, family }) =>
    family === 'IPv6' ? `[${address}]` : address,
  );
  t.true(hosts.includes('127.0.0.1'));

  for (const host of [...hosts, '127.0.0.2', '127.255.255.254']) {
    isLoop(t, await ask(t, wide(), `http://${host}:${wide()}/`), host);
  }
});

const ownVia = [
  '1.1 open.test',
  '1.0 open.test',
  'HTTP/1.1 open.test',
  '1.1 a, 1.1 open.test, 1.1 b',
  '1.1 open.test (a comment, with a comma)',
  '1.1 \topen.test',
] as const;

for (const via of ownVia) {
  test(`T15: a request that has been here before goes no further: Via: ${JSON.stringify(via)}`, async (t) => {
    const before = origin.requests.length;
    const fields = ['Host: a', 'Via: 1.1 first', `vIA: ${via}`];
    const upgrade = ['Connection: Upgrade', 'Upgrade: websocket'];

    isLoop(t, await ask(t, open(), `http://${authority()}/loop`, { fields }), via);
    const asked = { fields: [...fields, ...upgrade] };
    isLoop(t, await ask(t, open(), `http://${authority()}/loop`, asked), `upgrade, ${via}`);

    const loops = origin.requests.slice(before).filter(({ url }) => url === '/loop');
    t.deepEqual(loops, []);
  });
}

test('T15: a name that only resembles ours is no loop', async (t) => {
  const fields = ['Host: a', 'Via: 1.1 open.test.example, 1.1 xopen.test, 1.1 a (open.test)'];

  t.is((await ask(t, open(), `http://${authority()}/`, { fields })).status, 200);
});

test('T15: a loop through somebody else ends after one round', async (t) => {
  let rounds = 0;
  const other = await startScriptedOrigin(t, async (peer) => {
    rounds++;
    const { field } = await peer.message();
    const fields = ['Host: a', `Via: ${field('via')}, 1.1 other`];
    const back = await ask(t, open(), `http://${other.authority}/`, { fields });
    const status = back.field('proxy-status');
    peer.send(`HTTP/1.1 ${back.status} Loop\r\nX-Inner: ${status}\r\nContent-Length: 0\r\n\r\n`);
  });

  const answer = await ask(t, open(), `http://${other.authority}/`);

  t.is(answer.status, 502);
  t.regex(answer.field('x-inner') ?? '', /error=proxy_loop_detected/);
  t.is(rounds, 1);
});

test('T16: OPTIONS that may go no further is answered here', async (t) => {
  const before = origin.requests.length;
  const fields = ['Host: a', 'Max-Forwards: 0'];

  const answer = await ask(t, open(), `http://${authority()}/here`, { method: 'OPTIONS', fields });

  t.is(answer.status, 200);
  t.truthy(answer.field('allow'));
  t.deepEqual(
    origin.requests.slice(before).filter(({ url }) => url === '/here'),
    [],
  );
});

const forwards = [
  ['OPTIONS', '3', '2'],
  ['OPTIONS', '1', '0'],
  ['OPTIONS', '007', '6'],
  ['OPTIONS', 'x', 'x'],
  ['OPTIONS', '', ''],
  ['OPTIONS', '0x0', '0x0'],
  ['OPTIONS', '-1', '-1'],
  ['GET', '0', '0'],
  ['GET', '3', '3'],
  ['POST', '0', '0'],
] as const;

for (const [method, sent, arrives] of forwards) {
  test(`T16: Max-Forwards of ${method}: ${sent || 'empty'} arrives as ${arrives || 'empty'}`, async (t) => {
    const fields = ['Host: a', `max-forwards: ${sent}`];

    const { field } = await seenFor(t, (authority) => `http://${authority}/`, { method, fields });

    t.is(field('max-forwards'), arrives);
  });
}

test('T16: Max-Forwards is never invented', async (t) => {
  const { field } = await seenFor(t, (authority) => `http://${authority}/`, { method: 'OPTIONS' });

  t.is(field('max-forwards'), null);
});

for (const hops of [[], ['Max-Forwards: 0'], ['Max-Forwards: 5']]) {
  test(`T17: TRACE is 405 and shows nothing of what was sent (${hops.join() || 'no limit'})`, async (t) => {
    const fields = ['Host: a', 'Authorization: secret', 'Cookie: secret', ...hops];

    const answer = await ask(t, open(), `http://${authority()}/`, { method: 'TRACE', fields });

    isError(t, answer, 405, 'TRACE');
    t.regex(answer.field('allow') ?? '', /GET/);
    t.notRegex(answer.body, /secret/);
  });
}

test('an answering origin is reached through every proxy that may', async (t) => {
  const { authority } = await startScriptedOrigin(t, answering(ok));

  t.is((await ask(t, wide(), `http://${authority}/`)).status, 200);
});
