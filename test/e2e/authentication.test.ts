import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { usersSecret } from '../support/forward-proxy.ts';
import type { HeadgateUp } from '../support/headgate-up.ts';
import { echo, type Origin, startOrigin, startTcpOrigin } from '../support/origin.ts';
import { connectPeer, type Message, type Peer } from '../support/peer.ts';
import { connectFrom, type Proxies, startProxies } from '../support/proxies.ts';
import { fileScope } from '../support/scope.ts';
import { createScope } from '../support/teardowns.ts';

// What a single wrong credential is answered: C22, C23 (hostile-connect) and K3–K5 (hostile-socks).
const scope = fileScope();

const basic = (secret: string, more: Readonly<Record<string, unknown>> = {}) => ({
  authentication: { mode: 'Basic', basic: { secretRef: { name: secret } }, ...more },
});
const specs = {
  closed: basic('users'),
  realm: {
    authentication: { mode: 'Basic', basic: { secretRef: { name: 'users' }, realm: 'The Lab' } },
  },
  few: basic('users', { attempts: 3 }),
  burst: basic('costly', { attempts: 5 }),
  crowded: basic('costly', { attempts: 10_000 }),
  cheap: basic('users', { attempts: 10_000 }),
  costly: basic('verycostly', { attempts: 10_000 }),
  rotating: basic('rotating'),
} as const;
type Name = keyof typeof specs;

const documents = (rotating: Readonly<Record<string, string>>): string =>
  usersSecret({ alice: 'wonderland', bob: 'builder' }) +
  costly +
  usersSecret(rotating, { name: 'rotating' });
const costly =
  usersSecret({ alice: 'wonderland' }, { name: 'costly', cost: 9 }) +
  usersSecret({ alice: 'wonderland' }, { name: 'verycostly', cost: 11 });

let proxies: Proxies<Name>;
let plain: Origin;
let echoing: { readonly authority: string };

test.before('proxies with users, and two origins', async () => {
  [proxies, plain, echoing] = await Promise.all([
    startProxies(scope, specs, { documents: documents({ alice: 'first', bob: 'builder' }) }),
    startOrigin(scope),
    startTcpOrigin(scope, echo),
  ]);
});

const client = (t: ExecutionContext, proxy: Name): Promise<Peer> =>
  connectPeer(t, proxies.portOf[proxy]);

const credentials = (user: string, password: string): string =>
  `Proxy-Authorization: Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
const get = (...fields: readonly string[]): string =>
  [`GET ${plain.url}/ HTTP/1.1`, `Host: ${plain.authority}`, ...fields, '', ''].join('\r\n');
const connectHead = (...fields: readonly string[]): string =>
  [`CONNECT ${echoing.authority} HTTP/1.1`, 'Host: a', ...fields, '', ''].join('\r\n');
const socks5 = (user: string, password: string): Buffer => {
  const told = [1, user.length, ...Buffer.from(user), password.length, ...Buffer.from(password)];
  const port = plain.port;
  return Buffer.of(5, 1, 2, ...told, 5, 1, 0, 1, 127, 0, 0, 1, port >> 8, port & 255);
};

async function ask(peer: Peer, request: string): Promise<Message> {
  peer.send(request);
  return peer.message();
}

test('without credentials a request of any kind is told how to log in, on a connection that stays', async (t) => {
  for (const request of [get(), connectHead()]) {
    const peer = await client(t, 'closed');

    const answer = await ask(peer, request);

    t.is(answer.status, 407);
    t.is(answer.field('proxy-authenticate'), 'Basic realm="proxy", charset="UTF-8"');
    t.regex(answer.field('proxy-status') ?? '', /^closed\.test; error=http_request_denied/);
    t.is((await ask(peer, get(credentials('alice', 'wonderland')))).status, 200);
  }
});

test('an upgrade without credentials is told too', async (t) => {
  const peer = await client(t, 'closed');

  const answer = await ask(peer, get('Connection: Upgrade', 'Upgrade: websocket'));

  t.is(answer.status, 407);
});

test('a realm is told as the spec has it', async (t) => {
  const answer = await ask(await client(t, 'realm'), get());

  t.is(answer.field('proxy-authenticate'), 'Basic realm="The Lab", charset="UTF-8"');
});

test('each request of a connection says who it is: nobody is logged in by an earlier one', async (t) => {
  const peer = await client(t, 'closed');

  const statuses = [];
  for (const fields of [[credentials('alice', 'wonderland')], [], [credentials('bob', 'wrong')]]) {
    statuses.push((await ask(peer, get(...fields))).status);
  }

  t.deepEqual(statuses, [200, 407, 407]);
});

test('a request with a body and no credentials is refused, and its body is no request', async (t) => {
  const peer = await client(t, 'closed');
  const inner = get(credentials('alice', 'wonderland'));

  peer.send(
    `POST ${plain.url}/ HTTP/1.1\r\nHost: a\r\nContent-Length: ${inner.length}\r\n\r\n${inner}`,
  );

  t.is((await peer.message()).status, 407);
  peer.socket.end();
  t.is((await peer.rest()).text, '');
});

test('after so many failures a client is answered 429, whatever it then says; others are not', async (t) => {
  const failing = await connectFrom(t, '127.0.0.41', proxies.portOf.few);
  for (let attempt = 1; attempt <= 3; attempt++) {
    t.is((await ask(failing, get(credentials('alice', `wrong-${attempt}`)))).status, 407);
  }

  const answer = await ask(failing, get(credentials('bob', 'builder')));

  t.is(answer.status, 429);
  t.is(answer.field('retry-after'), '60');
  t.regex(answer.field('proxy-status') ?? '', /error=/);
  t.regex(answer.body, /spec\.authentication\.attempts/);
  const tunnel = await connectFrom(t, '127.0.0.41', proxies.portOf.few);
  t.is((await ask(tunnel, connectHead(credentials('bob', 'builder')))).status, 429);
  const socks = await connectFrom(t, '127.0.0.41', proxies.portOf.few);
  socks.send(socks5('bob', 'builder'));
  t.is((await socks.rest()).text, '\x05\x02\x01\x01');

  const other = await connectFrom(t, '127.0.0.42', proxies.portOf.few);
  t.is((await ask(other, get(credentials('bob', 'builder')))).status, 200);
});

test('who says nothing has not failed', async (t) => {
  const peer = await connectFrom(t, '127.0.0.43', proxies.portOf.few);
  for (let round = 0; round < 10; round++) t.is((await ask(peer, get())).status, 407);

  t.is((await ask(peer, get(credentials('alice', 'wonderland')))).status, 200);
});

// From here on the queue of passwords is full, or is timed, or Secrets change: one at a time.

test.serial(
  'passwords sent all at once get no more attempts than one after the other',
  async (t) => {
    const peers = await Promise.all(
      Array.from({ length: 40 }, () => connectFrom(t, '127.0.0.44', proxies.portOf.burst)),
    );
    for (const [at, peer] of peers.entries()) peer.send(get(credentials('alice', `guess-${at}`)));

    const statuses = await Promise.all(peers.map(async (peer) => (await peer.message()).status));

    const tried = statuses.filter((status) => status === 407).length;
    t.true(tried >= 5 && tried <= 6, `${tried} were tried`); // two are tried at a time
    t.is(statuses.filter((status) => status === 429).length, 40 - tried);
  },
);

test.serial(
  'more passwords than can wait are answered 503, and the right one gets in later',
  async (t) => {
    const peers = await Promise.all(Array.from({ length: 150 }, () => client(t, 'crowded')));
    for (const [at, peer] of peers.entries()) peer.send(get(credentials('alice', `guess-${at}`)));

    const answers = await Promise.all(peers.map((peer) => peer.message()));

    const overloaded = answers.filter(({ status }) => status === 503);
    t.true(overloaded.length > 0);
    t.true(answers.every(({ status }) => status === 503 || status === 407));
    t.is(overloaded[0]?.field('retry-after'), '1');
    t.regex(overloaded[0]?.field('proxy-status') ?? '', /error=/);
    const peer = await client(t, 'crowded');
    t.is((await ask(peer, get(credentials('alice', 'wonderland')))).status, 200);
  },
);

test.serial('C23: an unknown user takes as long as a wrong password', async (t) => {
  /** The fastest refusal of each: of the others the machine was busy. */
  const fastest = async (proxy: Name) => {
    const peer = await client(t, proxy);
    const bestMs = { alice: Number.POSITIVE_INFINITY, mallory: Number.POSITIVE_INFINITY };
    for (let round = 0; round < 4; round++) {
      for (const user of ['alice', 'mallory'] as const) {
        const startedMs = performance.now();
        t.is((await ask(peer, get(credentials(user, `wrong-${round}`)))).status, 407);
        bestMs[user] = Math.min(bestMs[user], performance.now() - startedMs);
      }
    }
    return bestMs;
  };

  const [costly, cheap] = [await fastest('costly'), await fastest('cheap')];

  // Generous: where nothing is compared it is a hundredth, with a fixed cost forty times as much.
  t.true(costly.mallory > costly.alice / 10, JSON.stringify(costly));
  t.true(cheap.mallory < cheap.alice * 10, JSON.stringify(cheap));
});

test.serial('a changed password counts for the next request of a kept connection', async (t) => {
  const kept = await client(t, 'rotating');
  const tunnel = await client(t, 'rotating');
  t.is((await ask(kept, get(credentials('alice', 'first')))).status, 200);
  tunnel.send(connectHead(credentials('alice', 'first')));
  t.is((await tunnel.head()).status, 200);

  await proxies.up.apply(
    proxies.edited({ documents: documents({ alice: 'second', bob: 'builder' }) }),
    'rotating',
  );

  t.is((await ask(kept, get(credentials('alice', 'first')))).status, 407);
  t.is((await ask(kept, get(credentials('alice', 'second')))).status, 200);
  tunnel.send('still here');
  t.is(await tunnel.bytes(10), 'still here');
});

test.serial(
  'a removed user is refused at the next request of a kept connection, others go on',
  async (t) => {
    const [alice, bob] = [await client(t, 'rotating'), await client(t, 'rotating')];
    t.is((await ask(alice, get(credentials('alice', 'second')))).status, 200);
    t.is((await ask(bob, get(credentials('bob', 'builder')))).status, 200);

    await proxies.up.apply(
      proxies.edited({ documents: documents({ alice: 'second' }) }),
      'rotating',
    );

    t.is((await ask(bob, get(credentials('bob', 'builder')))).status, 407);
    t.is((await ask(alice, get(credentials('alice', 'second')))).status, 200);
  },
);

test.serial('credentials are nowhere: log, errors, metrics, status, events and data', async (t) => {
  const hidden = createScope();
  t.teardown(() => hidden.close());
  const right = 'R1ght-Pa55word';
  const wrong = 'Wr0ng-Pa55word';
  const secret = usersSecret({ alice: right }, { name: 'hidden' });
  const labels = { clientLabel: { mode: 'Identity' }, hostLabel: { mode: 'Host' } };
  const { up, portOf } = await startProxies(
    hidden,
    { hidden: { ...basic('hidden'), metrics: labels } },
    { documents: secret, args: ['--log-level', 'debug'] },
  );
  const field = (password: string) => credentials('alice', password);
  const withUserInfo = (form: string) =>
    `${form.replace('//', `//alice:${right}@`)} HTTP/1.1\r\nHost: a\r\n${field(right)}\r\n\r\n`;
  const requests: readonly (string | Buffer)[] = [
    get(field(right)),
    get(field(wrong)),
    connectHead(field(right)),
    connectHead(field(wrong)),
    get(field(right), 'Connection: Upgrade', 'Upgrade: websocket'),
    get(field(right), field(wrong)),
    get(`${field(right)}\0`),
    `GET ${plain.url}/?password=${right} HTTP/1.1\r\nHost: a\r\n${field(right)}\r\n\r\n`,
    withUserInfo(`GET ${plain.url}/`),
    withUserInfo(`GET //${plain.authority}/`),
    withUserInfo('CONNECT //a:443'),
    `CONNECT alice:${right}@a:443 HTTP/1.1\r\nHost: a\r\n${field(right)}\r\n\r\n`,
    socks5('alice', right),
    socks5('alice', wrong),
  ];
  for (const request of requests) {
    const peer = await connectPeer(t, portOf.hidden);
    peer.send(request);
    await peer.bytes(typeof request === 'string' ? 1 : 4); // SOCKS: up to the word on the password
    peer.socket.destroy();
  }

  const cli = [
    await up.cli('get', '-o', 'json'),
    await up.cli('get', '-o', 'wide'),
    await up.cli('events'),
  ];
  const metrics = await up.metrics();
  await up.stop(); // what is buffered is written
  const hash = /alice:(\$2b\$[^\\"]+)/.exec(secret)?.[1] ?? '';
  const base64 = [right, wrong].map((password) => field(password).split(' ').at(-1) ?? '');
  const places: Readonly<Record<string, string>> = {
    'standard output': up.stdout.all.join('\n'),
    'standard error': up.stderr.all.join('\n'),
    '/metrics': metrics,
    'get and events': cli.map(({ stdout, stderr }) => stdout + stderr).join('\n'),
    ...(await filesOf(up)),
  };

  t.true(up.stdout.all.filter((line) => line.startsWith('{')).length >= requests.length);
  t.true(Object.keys(places).length > 4, 'there are files in the data directory');
  t.true(hash.length > 50);
  for (const [place, text] of Object.entries(places)) {
    for (const word of [right, wrong, hash, ...base64]) {
      t.false(text.includes(word), `${word} is in ${place}`);
    }
  }
});

/** Every file of the data directory, byte for byte. */
async function filesOf({ data }: HeadgateUp): Promise<Record<string, string>> {
  const names = await readdir(data, { recursive: true, withFileTypes: true });
  const files = names.filter((entry) => entry.isFile());
  return Object.fromEntries(
    await Promise.all(
      files.map(async ({ parentPath, name }) => {
        const path = join(parentPath, name);
        return [path, await readFile(path, 'latin1')] as const;
      }),
    ),
  );
}
