import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type DnsServer, startDnsServer } from '../support/dns-server.ts';
import { startTcpOrigin } from '../support/origin.ts';
import { connectPeer, type Head, type Peer } from '../support/peer.ts';
import { type Proxies, startProxies } from '../support/proxies.ts';
import { fileScope } from '../support/scope.ts';

// One serving thread: each has a cache of its own, and here it is counted what is asked for.
const scope = fileScope();

const specs = {
  open: {},
  narrow: { egress: { addressPolicy: { allowCIDRs: ['127.0.0.1/32'] } } },
  four: { dns: { family: 'IPv4' } },
  six: { dns: { family: 'IPv6' } },
  hasty: { dns: { timeout: '1s' } },
} as const;
type Name = keyof typeof specs;
/** A look-up asks for both families. */
const families = 2;

let proxies: Proxies<Name>;
let dns: DnsServer;
/** One port on two addresses; each says its own and how often it was reached. */
let port: number;
const reached = { allowed: 0, denied: 0 };

test.before('proxies, a name server, a hosts file and two origins on one port', async () => {
  dns = await startDnsServer(scope);
  ({ port } = await startTcpOrigin(scope, (socket) => {
    reached.allowed++;
    socket.end('allowed');
  }));
  const twin = createServer((socket) => {
    reached.denied++;
    socket.end('denied');
  });
  await new Promise<void>((resolve) => twin.listen(port, '127.0.0.2', resolve));
  scope.teardown(() => twin.close());

  const directory = await mkdtemp(join(tmpdir(), 'headgate-hosts-'));
  scope.teardown(() => rm(directory, { recursive: true, force: true }));
  const hosts = join(directory, 'hosts');
  await writeFile(
    hosts,
    '# ours\n127.0.0.1 Local.test other.test # and more\n127.0.0.2 shadowed.test\n',
  );
  proxies = await startProxies(scope, specs, {
    workers: 1,
    args: ['--dns-server', dns.address, '--hosts-file', hosts],
  });
});

/** Asks for a tunnel to that name; the answer's head. */
async function ask(t: ExecutionContext, proxy: Name, name: string): Promise<[Peer, Head]> {
  const peer = await connectPeer(t, proxies.portOf[proxy]);
  peer.send(`CONNECT ${name}:${port} HTTP/1.1\r\nHost: a\r\n\r\n`);
  return [peer, await peer.head()];
}

/** What is behind that name. */
async function behind(t: ExecutionContext, proxy: Name, name: string): Promise<string | number> {
  const [peer, { status }] = await ask(t, proxy, name);
  return status === 200 ? (await peer.rest()).text : status;
}

const errorOf = (head: Head) => /error=(\w+)/.exec(head.field('proxy-status') ?? '')?.[1];

test('a name that does not exist is a dns_error, 502, and asked for once', async (t) => {
  for (let round = 0; round < 3; round++) {
    const [, head] = await ask(t, 'open', 'nowhere.test');
    t.is(head.status, 502);
    t.is(errorOf(head), 'dns_error');
  }

  t.is(dns.queriesFor('nowhere.test'), families);
});

test('a name without addresses is a dns_error', async (t) => {
  dns.set('empty.test', {});

  const [, head] = await ask(t, 'open', 'empty.test');

  t.is(head.status, 502);
  t.is(errorOf(head), 'dns_error');
});

test('a server in trouble is a dns_error', async (t) => {
  dns.set('trouble.test', { fails: 'SERVFAIL' });

  const [, head] = await ask(t, 'hasty', 'trouble.test');

  t.is(head.status, 502);
  t.is(errorOf(head), 'dns_error');
});

test('silence is a dns_timeout, 504, and asked anew the next time', async (t) => {
  let silent = true;
  dns.set('silent.test', () => (silent ? { fails: 'silence' } : { A: ['127.0.0.1'] }));

  const [, head] = await ask(t, 'hasty', 'silent.test');
  t.is(head.status, 504);
  t.is(errorOf(head), 'dns_timeout');

  silent = false;
  t.is(await behind(t, 'hasty', 'silent.test'), 'allowed');
});

test('a server that is silent about IPv6 alone holds nobody up', async (t) => {
  let queries = 0; // IPv6 is asked for first
  dns.set('half.test', () => (++queries === 2 ? { A: ['127.0.0.1'] } : { fails: 'silence' }));
  const startedMs = Date.now();

  t.is(await behind(t, 'open', 'half.test'), 'allowed');

  t.true(Date.now() - startedMs < 4000, 'well before spec.dns.timeout');
});

test('many requests for one name ask once', async (t) => {
  const answer = Promise.withResolvers<void>();
  dns.set('popular.test', () => ({ A: ['127.0.0.1'], after: answer.promise }));

  const asked = Array.from({ length: 30 }, () => behind(t, 'open', 'popular.test'));
  // One that needs no name comes through behind them: all of them are waiting.
  t.is(await behind(t, 'open', '127.0.0.1'), 'allowed');
  answer.resolve();

  t.deepEqual(new Set(await Promise.all(asked)), new Set(['allowed']));
  t.is(dns.queriesFor('popular.test'), families);
});

test('C18: an answer with a TTL of 0 that turns to a denied address is not dialled there', async (t) => {
  let queries = 0;
  dns.set('rebinding.test', () => ({
    A: [queries++ < families ? '127.0.0.1' : '127.0.0.2'],
    ttl: 0,
  }));
  const before = reached.denied;

  const seen = [];
  for (let round = 0; round < 5; round++) seen.push(await behind(t, 'narrow', 'rebinding.test'));

  // For a few seconds what was checked is remembered; what comes later is checked like anything.
  t.true(
    seen.every((each) => each === 'allowed' || each === 403),
    seen.join(),
  );
  t.is(seen[0], 'allowed');
  t.is(reached.denied, before);
});

test('C18: of allowed and denied addresses the allowed ones are dialled', async (t) => {
  dns.set('mixed.test', { A: ['127.0.0.2', '10.0.0.1', '127.0.0.1'], AAAA: ['::1'] });
  const before = reached.denied;

  t.is(await behind(t, 'narrow', 'mixed.test'), 'allowed');
  t.is(reached.denied, before);
});

test('an address in a name is checked after the look-up, and the refusal names it', async (t) => {
  dns.set('private.test', { A: ['10.1.2.3'] });

  const [peer, head] = await ask(t, 'open', 'private.test');

  t.is(head.status, 403);
  t.regex(await peer.bytes(Number(head.field('content-length'))), /address 10\.1\.2\.3 is Private/);
});

test('an IPv4 address dressed as IPv6 is the IPv4 address', async (t) => {
  dns.set('mapped.test', { AAAA: ['::ffff:10.1.2.3'] });

  const [, head] = await ask(t, 'open', 'mapped.test');

  t.is(head.status, 403);
  t.is(errorOf(head), 'destination_ip_prohibited');
});

test('family: IPv4 asks for IPv4 only, IPv6 for IPv6 only', async (t) => {
  dns.set('families.test', { A: ['127.0.0.1'], AAAA: ['::1'] });

  t.is(await behind(t, 'four', 'families.test'), 'allowed');
  t.is(dns.queriesFor('families.test'), 1);
  t.is(await behind(t, 'six', 'families.test'), 502, 'nobody listens on ::1');
  t.is(dns.queriesFor('families.test'), 2);
  t.is(await behind(t, 'open', 'families.test'), 'allowed', 'the other family is tried');
});

test('the hosts file comes first, in any case of letters', async (t) => {
  dns.set('local.test', { A: ['10.0.0.1'] });

  t.is(await behind(t, 'open', 'LOCAL.test'), 'allowed');
  t.is(await behind(t, 'open', 'other.test'), 'allowed');
  t.is(await behind(t, 'narrow', 'shadowed.test'), 403, 'and its addresses are checked too');

  t.is(dns.queriesFor('local.test'), 0);
});

test('localhost is this machine and never asked for', async (t) => {
  t.is(await behind(t, 'narrow', 'localhost'), 'allowed');
  t.is(await behind(t, 'narrow', 'any.localhost'), 'allowed');

  t.is(dns.queriesFor('localhost') + dns.queriesFor('any.localhost'), 0);
});

test('one spelling is asked for, whatever the client writes', async (t) => {
  dns.set('xn--bcher-kva.test', { A: ['127.0.0.1'] });

  t.is(await behind(t, 'open', 'XN--BCHER-KVA.test.'), 'allowed');
  t.is(await behind(t, 'open', 'xn--bcher-kva.test'), 'allowed');

  t.is(dns.queriesFor('xn--bcher-kva.test'), families);
});

test('a server given by hand has no search list', async (t) => {
  const resolvConf = await readFile('/etc/resolv.conf', 'utf8').catch(() => '');
  const [, list = ''] = /^(?:search|domain)\s+(.*)$/m.exec(resolvConf) ?? [];
  const domains = [...list.split(/\s+/), 'test'].filter((domain) => domain !== '');
  for (const domain of domains) dns.set(`intranet.${domain}`, { A: ['127.0.0.1'] });

  const [, head] = await ask(t, 'open', 'intranet');

  t.is(head.status, 502);
  t.is(dns.queriesFor('intranet'), families);
  for (const domain of domains) t.is(dns.queriesFor(`intranet.${domain}`), 0);
});
