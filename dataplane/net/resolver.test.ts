import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type Answer, decode, encode, type Question } from 'dns-packet';
import type { ErrorCode } from '../../contracts/errors.ts';
import type { AddressFamily } from '../../contracts/kinds/serving.ts';
import {
  createResolver,
  type LookupResult,
  type NameResolver,
  type ResolveOptions,
} from './resolver.ts';

const NXDOMAIN = 3;
const SERVFAIL = 2;
type Reply = readonly Answer[] | number | 'silence' | Promise<readonly Answer[]>;

const a = (name: string, data: string, ttl = 60): Answer => ({ type: 'A', name, data, ttl });
const aaaa = (name: string, data: string, ttl = 60): Answer => ({ type: 'AAAA', name, data, ttl });
const ofType = (type: string, ...answers: readonly Answer[]): readonly Answer[] =>
  answers.filter((answer) => answer.type === type);

/** A DNS server on loopback that is told what to say to each question. */
async function startDns(
  t: ExecutionContext,
  reply: (question: Question) => Reply,
  place: { readonly address: string; readonly port: number } = { address: '127.0.0.1', port: 0 },
) {
  const asked: string[] = [];
  const socket = createSocket('udp4');
  t.teardown(() => socket.close());
  socket.on('message', async (message, { port, address }) => {
    const { id = 0, questions = [] } = decode(message);
    const [question] = questions;
    if (question === undefined) return;
    asked.push(`${question.type} ${question.name}`);
    const said = await reply(question);
    if (said === 'silence') return;
    const flags = typeof said === 'number' ? said : 0;
    const answers = typeof said === 'number' ? [] : [...said];
    socket.send(encode({ type: 'response', id, flags, questions, answers }), port, address);
  });
  socket.bind(place);
  await once(socket, 'listening'); // throws what 'error' says
  return { server: `127.0.0.1:${socket.address().port}`, asked };
}

async function start(
  t: ExecutionContext,
  {
    servers = [],
    hosts = '',
    resolvConf = '',
  }: { servers?: readonly string[]; hosts?: string; resolvConf?: string },
) {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const hostsFile = join(folder, 'hosts');
  const resolvConfFile = join(folder, 'resolv.conf');
  await Promise.all([writeFile(hostsFile, hosts), writeFile(resolvConfFile, resolvConf)]);
  const results: LookupResult[] = [];
  const resolver = createResolver({
    servers,
    hostsFile,
    resolvConf: resolvConfFile,
    observe: (result) => results.push(result),
  });
  return { resolver, results };
}

/** `10.0.0.1 ::1`, or what failed. */
function resolve(
  resolver: NameResolver,
  name: string,
  options: Partial<ResolveOptions> = {},
): Promise<string | ErrorCode> {
  const { promise, resolve: settle } = Promise.withResolvers<string>();
  resolver.resolve(name, { family: 'Auto', timeoutMs: 5000, ...options }, (failure, addresses) =>
    settle(failure ?? addresses.map(({ text }) => text).join(' ')),
  );
  return promise;
}

test('a name has the addresses of both families, in turn, IPv6 first', async (t) => {
  const records = [
    a('a.example', '10.0.0.1'),
    a('a.example', '10.0.0.2'),
    a('a.example', '10.0.0.3'),
    aaaa('a.example', '2001:db8::1'),
    aaaa('a.example', '2001:db8::2'),
  ];
  const { server, asked } = await startDns(t, ({ type }) => ofType(type, ...records));
  const { resolver, results } = await start(t, { servers: [server] });

  t.is(await resolve(resolver, 'a.example'), '2001:db8::1 10.0.0.1 2001:db8::2 10.0.0.2 10.0.0.3');
  t.deepEqual(asked.toSorted(), ['A a.example', 'AAAA a.example']);
  t.deepEqual(results, ['ok']);
});

const families: ReadonlyArray<readonly [AddressFamily, string, readonly string[]]> = [
  ['IPv4', '10.0.0.1', ['A a.example']],
  ['IPv6', '2001:db8::1', ['AAAA a.example']],
];

for (const [family, expected, questions] of families) {
  test(`asked for ${family}, only that is asked of the server`, async (t) => {
    const records = [a('a.example', '10.0.0.1'), aaaa('a.example', '2001:db8::1')];
    const { server, asked } = await startDns(t, ({ type }) => ofType(type, ...records));
    const { resolver } = await start(t, { servers: [server] });

    t.is(await resolve(resolver, 'a.example', { family }), expected);
    t.deepEqual(asked, questions);
  });
}

test('a mapped address in a AAAA record is the IPv4 address it stands for', async (t) => {
  const { server } = await startDns(t, ({ type, name }) =>
    ofType(type, aaaa(name, '::ffff:127.0.0.1')),
  );
  const { resolver } = await start(t, { servers: [server] });

  t.is(await resolve(resolver, 'a.example'), '127.0.0.1');
});

const failures: ReadonlyArray<readonly [string, Reply, LookupResult]> = [
  ['a name that is not there', NXDOMAIN, 'not_found'],
  ['a name without addresses', [], 'not_found'],
  ['a server in trouble', SERVFAIL, 'error'],
];

for (const [what, reply, result] of failures) {
  test(`${what} is a dns_error, counted as ${result}, and not asked for again at once`, async (t) => {
    const { server, asked } = await startDns(t, () => reply);
    const { resolver, results } = await start(t, { servers: [server] });

    t.is(await resolve(resolver, 'a.example'), 'dns_error');
    const questions = asked.length;
    t.is(await resolve(resolver, 'a.example'), 'dns_error');

    t.deepEqual(results, [result, 'cached']);
    t.is(asked.length, questions);
  });
}

test('a server that says nothing is a dns_timeout, which is not remembered', async (t) => {
  let silent = true;
  const { server } = await startDns(t, ({ type, name }) =>
    silent ? 'silence' : ofType(type, a(name, '10.0.0.1')),
  );
  const { resolver, results } = await start(t, { servers: [server] });

  t.is(await resolve(resolver, 'a.example', { timeoutMs: 200 }), 'dns_timeout');
  silent = false;
  t.is(await resolve(resolver, 'a.example'), '10.0.0.1');
  t.deepEqual(results, ['timeout', 'ok']);
});

test('a server that never answers for IPv6 delays nobody', async (t) => {
  const { server } = await startDns(t, ({ type, name }) =>
    type === 'AAAA' ? 'silence' : [a(name, '10.0.0.1')],
  );
  const { resolver, results } = await start(t, { servers: [server] });

  // Longer than a test may take: the answer cannot have waited for the time-out.
  t.is(await resolve(resolver, 'a.example', { timeoutMs: 600_000 }), '10.0.0.1');
  t.deepEqual(results, ['ok']);
});

test('a server that never answers for IPv4 leaves what it said of IPv6', async (t) => {
  const { server } = await startDns(t, ({ type, name }) =>
    type === 'A' ? 'silence' : [aaaa(name, '2001:db8::1')],
  );
  const { resolver } = await start(t, { servers: [server] });

  t.is(await resolve(resolver, 'a.example', { timeoutMs: 200 }), '2001:db8::1');
});

test('an IPv4 answer that takes its time comes after those for IPv6', async (t) => {
  const slow = Promise.withResolvers<readonly Answer[]>();
  const { server } = await startDns(t, ({ type, name }) => {
    if (type === 'A') return slow.promise;
    setImmediate(() => slow.resolve([a(name, '10.0.0.1')]));
    return [aaaa(name, '2001:db8::1')];
  });
  const { resolver } = await start(t, { servers: [server] });

  t.is(await resolve(resolver, 'a.example'), '2001:db8::1 10.0.0.1');
});

test('a name is asked for once, however many want it and however often', async (t) => {
  const gate = Promise.withResolvers<readonly Answer[]>();
  const { server, asked } = await startDns(t, ({ type, name }) =>
    gate.promise.then(() => ofType(type, a(name, '10.0.0.1'))),
  );
  const { resolver, results } = await start(t, { servers: [server] });

  const first = [1, 2, 3].map(() => resolve(resolver, 'a.example'));
  gate.resolve([]);
  t.deepEqual(await Promise.all(first), ['10.0.0.1', '10.0.0.1', '10.0.0.1']);
  t.is(await resolve(resolver, 'a.example'), '10.0.0.1');

  t.is(asked.filter((question) => question === 'A a.example').length, 1);
  t.deepEqual(results, ['ok', 'cached']);
});

test('a known name is told before resolve returns', async (t) => {
  const { server } = await startDns(t, ({ type, name }) => ofType(type, a(name, '10.0.0.1')));
  const { resolver } = await start(t, { servers: [server], hosts: '10.0.0.9 local.example' });
  await resolve(resolver, 'a.example');
  const told: string[] = [];

  for (const name of ['local.example', 'localhost', 'a.example']) {
    resolver.resolve(name, { family: 'IPv4', timeoutMs: 5000 }, (_failure, [first]) =>
      told.push(first?.text ?? ''),
    );
  }

  t.deepEqual(told, ['10.0.0.9', '127.0.0.1'], 'a.example was asked for with both families');
  t.is(await resolve(resolver, 'a.example', { family: 'IPv4' }), '10.0.0.1');
});

test('families are remembered apart', async (t) => {
  const records = [a('a.example', '10.0.0.1'), aaaa('a.example', '2001:db8::1')];
  const { server } = await startDns(t, ({ type }) => ofType(type, ...records));
  const { resolver } = await start(t, { servers: [server] });

  t.is(await resolve(resolver, 'a.example', { family: 'IPv6' }), '2001:db8::1');
  t.is(await resolve(resolver, 'a.example', { family: 'IPv4' }), '10.0.0.1');
  t.is(await resolve(resolver, 'a.example'), '2001:db8::1 10.0.0.1');
});

test('no more names are asked for at once than a server can stand', async (t) => {
  const gate = Promise.withResolvers<readonly Answer[]>();
  const { server } = await startDns(t, () => gate.promise);
  const { resolver, results } = await start(t, { servers: [server] });
  const options = { family: 'IPv4' } as const;

  const under = Array.from({ length: 256 }, (_, n) => resolve(resolver, `n${n}.example`, options));
  t.is(await resolve(resolver, 'one-more.example', options), 'dns_error');
  t.deepEqual(results, ['error']);
  gate.resolve([]);

  t.deepEqual(new Set(await Promise.all(under)), new Set(['dns_error']));
  t.is(await resolve(resolver, 'one-more.example', options), 'dns_error');
  t.is(results.at(-1), 'not_found', 'asked this time');
});

test('the hosts file comes first, whatever its case, and is asked of no server', async (t) => {
  const { server, asked } = await startDns(t, () => SERVFAIL);
  const hosts = [
    '# 10.0.0.8 comment.example',
    '10.0.0.1  One.Example alias.example # the first',
    '::5 one.example',
    'nonsense one.example',
    '10.0.0.2 one.example',
    '',
  ].join('\n');
  const { resolver, results } = await start(t, { servers: [server], hosts });

  t.is(await resolve(resolver, 'one.example'), '10.0.0.1 ::5 10.0.0.2');
  t.is(await resolve(resolver, 'one.example', { family: 'IPv6' }), '::5');
  t.is(await resolve(resolver, 'alias.example'), '10.0.0.1');
  t.is(await resolve(resolver, 'alias.example', { family: 'IPv6' }), '', 'known, without any');
  t.deepEqual([asked, results], [[], []]);
});

test('localhost and all names below it are this machine', async (t) => {
  const { server, asked } = await startDns(t, () => [a('x', '10.0.0.1')]);
  const { resolver } = await start(t, { servers: [server] });

  t.is(await resolve(resolver, 'localhost'), '127.0.0.1 ::1');
  t.is(await resolve(resolver, 'a.b.localhost', { family: 'IPv6' }), '::1');
  t.deepEqual(asked, []);
});

test('servers given by hand have no search list', async (t) => {
  const { server, asked } = await startDns(t, () => NXDOMAIN);
  const { resolver } = await start(t, { servers: [server], resolvConf: 'search corp.example\n' });

  await resolve(resolver, 'db', { family: 'IPv4' });

  t.deepEqual(asked, ['A db']);
});

const searches: ReadonlyArray<readonly [string, string, string, readonly string[]]> = [
  [
    'a name without dots is tried below each domain, then as it is',
    'search one.example two.example',
    'db',
    ['db.one.example', 'db.two.example', 'db'],
  ],
  [
    'a name with a dot is tried as it is first',
    'search one.example',
    'db.team',
    ['db.team', 'db.team.one.example'],
  ],
  [
    'ndots says how many dots make a name whole',
    'domain x.example\nsearch one.example .\noptions timeout:1 ndots:2',
    'db.team',
    ['db.team.one.example', 'db.team'],
  ],
];

/**
 * A server where resolv.conf can name it: it knows port 53 only, so the address is one nobody else
 * uses. `null`: this user may not have that port.
 */
async function startSystemDns(t: ExecutionContext, reply: (question: Question) => Reply) {
  const address = `127.${[1, 2, 3].map(() => randomInt(1, 255)).join('.')}`;
  try {
    return { address, ...(await startDns(t, reply, { address, port: 53 })) };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EACCES') return null;
    throw error;
  }
}

for (const [what, lines, name, expected] of searches) {
  test(`resolv.conf: ${what}`, async (t) => {
    const dns = await startSystemDns(t, () => NXDOMAIN);
    if (dns === null) {
      t.pass('this user may not have port 53');
      return;
    }
    const { resolver } = await start(t, { resolvConf: `nameserver ${dns.address}\n${lines}\n` });

    t.is(await resolve(resolver, name, { family: 'IPv4' }), 'dns_error');
    t.deepEqual(
      dns.asked,
      expected.map((each) => `A ${each}`),
    );
  });
}

test('the search ends with the first name that has an address', async (t) => {
  const dns = await startSystemDns(t, ({ type, name }) =>
    name === 'db.two.example' ? ofType(type, a(name, '10.0.0.1')) : NXDOMAIN,
  );
  if (dns === null) {
    t.pass('this user may not have port 53');
    return;
  }
  const resolvConf = `nameserver ${dns.address}\nsearch one.example two.example three.example\n`;
  const { resolver, results } = await start(t, { resolvConf });

  t.is(await resolve(resolver, 'db', { family: 'IPv4' }), '10.0.0.1');
  t.deepEqual(dns.asked, ['A db.one.example', 'A db.two.example']);
  t.deepEqual(results, ['ok']);
});
