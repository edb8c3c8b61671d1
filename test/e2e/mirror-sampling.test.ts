import test, { type ExecutionContext } from 'ava';
import { ask } from '../support/ask.ts';
import { type CopyCounts, untilCopies, untilCounted } from '../support/copy-counts.ts';
import { mirrorTo, type Routes, ruleTo, startRoutes } from '../support/mirror-route.ts';
import { connectPeer } from '../support/peer.ts';
import { type Recorder, startRecorder } from '../support/recorder.ts';
import { startRelay } from '../support/relay.ts';
import { type RequestParts, requestText } from '../support/route-request.ts';
import { fileScope } from '../support/scope.ts';

// Which requests are copied. One process serves most of the file.

const scope = fileScope();
/** So that none is dropped for another reason than chance. */
const roomy = { limits: { concurrent: 1000, queue: 10_000 } };
const shares = {
  twenty: { percent: 20 },
  half: { fraction: { numerator: 1, denominator: 2 } },
  third: { percent: 35 },
  most: { fraction: { numerator: 99_999, denominator: 100_000 } },
} as const;
const probabilities = { twenty: 0.2, half: 0.5, third: 0.35, most: 0.99999 };

const names = ['shares', 'exact', 'safe', 'via-loop', 'mark-loop', 'self'] as const;
type Name = (typeof names)[number];
let routes: Routes<Name>;
let backends: Readonly<Record<Name, Recorder>>;
let copies: Recorder;

test.before('a route for each test, and mirrors that are routes themselves', async () => {
  const started = names.map(async (name) => [name, await startRecorder(scope)]);
  backends = Object.fromEntries(await Promise.all(started));
  copies = await startRecorder(scope);
  const to = (name: Name, mirrors: readonly object[], parts: object = {}) => ({
    ...parts,
    rules: [ruleTo(backends[name], { mirrors })],
  });
  const shared = Object.entries(shares).map(([name, share]) =>
    mirrorTo(copies, { name, ...share, ...roomy }),
  );
  const exact = [0, 50, 100].map((percent) =>
    mirrorTo(copies, { name: `of-${percent}`, percent, ...roomy }),
  );
  const looping = (via: string, mark: string, self: string) => ({
    'via-loop': to('via-loop', [mirrorTo({ authority: via })]),
    'mark-loop': to('mark-loop', [mirrorTo({ authority: mark })], { via: { enabled: false } }),
    self: to('self', [mirrorTo({ authority: self })]),
  });
  routes = await startRoutes<Name>(scope, {
    shares: to('shares', shared),
    exact: to('exact', exact),
    safe: to('safe', [mirrorTo(copies, { methods: ['GET', 'DELETE'] })]),
    ...looping(nowhere, nowhere, nowhere),
  });
  // No route dials the ports of its own pod: those that are to come back go through a relay.
  const relayTo = async (name: Name) =>
    `127.0.0.1:${(await startRelay(scope, routes.portOf[name])).port}`;
  const [via, mark] = [await relayTo('via-loop'), await relayTo('mark-loop')];
  const looped = looping(via, mark, `127.0.0.1:${routes.portOf.self}`);
  await routes.up.apply(routes.edited(looped), 'test/self');
});

const nowhere = '192.0.2.1';

/** Asks them all, ten at a time. */
async function askAll(
  t: ExecutionContext,
  port: number,
  requests: readonly RequestParts[],
): Promise<void> {
  const left = requests.values();
  const client = async () => {
    const peer = await connectPeer(t, port);
    for (const parts of left) {
      peer.send(requestText(parts));
      t.is((await peer.message()).status, 200);
    }
    peer.socket.destroy();
  };
  await Promise.all(Array.from({ length: 10 }, client));
}

const sampled = ({ sent, skipped }: CopyCounts) => ({
  copied: sent['answered'] ?? 0,
  others: Object.keys({ ...sent, ...skipped }).filter(
    (name) => name !== 'answered' && name !== 'not_sampled',
  ),
});

/** As many as Gateway API's conformance tests: what chance does once in 400 times it does not do five times. */
const tries = 5;

test('500 requests are copied to each of several mirrors as often as its share says, within 3σ', async (t) => {
  const asked = 500;
  const unproven = new Map(Object.entries(probabilities));
  const before = new Map<string, number>();

  for (let count = 1; count <= tries && unproven.size > 0; count += 1) {
    await askAll(t, routes.portOf.shares, Array(asked).fill({}));
    for (const [name, share] of Object.entries(probabilities)) {
      const mirrors = { resource: 'test/shares', mirror: name };
      const { copied, others } = sampled(await untilCounted(routes.up, mirrors, count * asked));
      t.deepEqual(others, []);
      const off = copied - (before.get(name) ?? 0) - asked * share;
      before.set(name, copied);
      if (Math.abs(off) <= 3 * Math.sqrt(asked * share * (1 - share))) unproven.delete(name);
    }
  }

  t.deepEqual([...unproven.keys()], []);
});

test('of 200 requests half are copied: 75 to 125, as APISIX has it; with 0 % none, with 100 % all', async (t) => {
  const halves: number[] = [];
  const isHalf = (copied: number) => copied >= 75 && copied <= 125;
  const copiedTo = async (mirror: string, asked: number) =>
    sampled(await untilCounted(routes.up, { resource: 'test/exact', mirror }, asked)).copied;

  for (let asked = 200, before = 0; asked <= 200 * tries && !halves.some(isHalf); asked += 200) {
    await askAll(t, routes.portOf.exact, Array(200).fill({}));
    t.is(await copiedTo('of-0', asked), 0);
    t.is(await copiedTo('of-100', asked), asked);
    const copied = await copiedTo('of-50', asked);
    halves.push(copied - before);
    before = copied;
  }

  t.true(halves.some(isHalf), halves.join(' '));
});

const users = Array.from({ length: 100 }, (_, index) => `user-${index}`);
const byCookie = (percent: number) => ({
  percent,
  sampling: { strategy: 'Hash', key: { type: 'Cookie', name: 'uid' }, salt: 'shop' },
  ...roomy,
});

type Hashed = {
  readonly routes: Routes<'hashed'>;
  readonly mirror: Recorder;
  /** Whose requests are copied, of all users, each of whom asks twice. */
  copiedUsers(): Promise<readonly string[]>;
  follow(percent: number): Promise<void>;
};

async function startHashed(t: ExecutionContext, percent: number): Promise<Hashed> {
  const [backend, mirror] = await Promise.all([startRecorder(t), startRecorder(t)]);
  const spec = (share: number) => ({
    rules: [ruleTo(backend, { mirrors: [mirrorTo(mirror, byCookie(share))] })],
  });
  const routes = await startRoutes(t, { hashed: spec(percent) });
  let asked = 0;
  return {
    routes,
    mirror,
    async copiedUsers() {
      const seen = mirror.received.length;
      const requests = [...users, ...users].map((user) => ({
        fields: [`Cookie: a=1; uid=${user}`],
      }));
      await askAll(t, routes.portOf.hashed, requests);
      asked += requests.length;
      await untilCounted(routes.up, { resource: 'test/hashed' }, asked);
      return mirror.received
        .slice(seen)
        .map((copy) => copy.field('cookie') ?? '')
        .toSorted();
    },
    follow: async (share) => void (await routes.up.apply(routes.edited({ hashed: spec(share) }))),
  };
}

test('by hash a user is copied always or never, in every process, and a larger share only adds users', async (t) => {
  const [one, other] = await Promise.all([startHashed(t, 30), startHashed(t, 30)]);

  const copied = await one.copiedUsers();
  const same = await other.copiedUsers();
  await one.follow(60);
  const more = await one.copiedUsers();

  t.deepEqual(copied, same);
  const [few, many] = [new Set(copied), new Set(more)];
  t.is(copied.length, 2 * few.size, 'twice each');
  t.true(few.size > 10 && few.size < many.size && many.size < 90, `${few.size} ${many.size}`);
  t.true(few.isSubsetOf(many));
});

test('by hash, requests without the key are not copied', async (t) => {
  const { routes, mirror } = await startHashed(t, 100);

  await askAll(t, routes.portOf.hashed, [
    { fields: ['Cookie: other=1'] },
    { fields: ['Cookie: uid='] },
    {},
  ]);

  await untilCopies(routes.up, { resource: 'test/hashed' }, { skipped: { not_sampled: 3 } });
  t.is(mirror.received.length, 0);
});

test('only the methods that are listed are copied', async (t) => {
  const methods = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'];

  await askAll(
    t,
    routes.portOf.safe,
    methods.map((method) => ({ method, target: '/safe' })),
  );

  const counts = { sent: { answered: 2 }, skipped: { method: 4 } };
  await untilCopies(routes.up, { resource: 'test/safe' }, counts);
  const copied = copies.received.map(({ startLine }) => startLine);
  t.deepEqual(copied.filter((line) => line.includes('/safe')).toSorted(), [
    'DELETE /safe HTTP/1.1',
    'GET /safe HTTP/1.1',
  ]);
});

/** Of one request that its client sent; the copy is one more to whoever gets it. */
const returning: ReadonlyArray<readonly [string, Name, Partial<CopyCounts>, number]> = [
  ['a mirror that sends copies back: Via stops them', 'via-loop', { sent: { answered: 1 } }, 1],
  [
    'a mirror that sends copies back, where there is no Via: they are not copied again',
    'mark-loop',
    { sent: { answered: 1 }, skipped: { loop: 1 } },
    2,
  ],
  ['a mirror that is a listener of the pod gets nothing', 'self', { skipped: { address: 1 } }, 1],
];

for (const [title, name, counts, served] of returning) {
  test(title, async (t) => {
    t.is((await ask(t, routes.portOf[name], requestText())).status, 200);

    await untilCopies(routes.up, { resource: `test/${name}` }, counts);
    t.is(backends[name].received.length, served);
  });
}

test('a thread that is late serves its clients and copies nothing', async (t) => {
  const [backend, mirror] = await Promise.all([startRecorder(t), startRecorder(t)]);
  const spec = { rules: [ruleTo(backend, { mirrors: [mirrorTo(mirror)] })] };
  const { up, portOf } = await startRoutes(t, { late: spec }, { lateMs: 100 });
  let asked = 0;
  const skippedAfterAnother = async () => {
    t.is((await ask(t, portOf.late, requestText())).status, 200);
    asked += 1;
    return (await untilCounted(up, { resource: 'test/late' }, asked)).skipped['loop_busy'] ?? 0;
  };

  // Each thread looks once a second, and any of them may be asked.
  let skipped = 0;
  for (let inARow = 0; inARow < 10; ) {
    const before = skipped;
    skipped = await skippedAfterAnother();
    inARow = skipped > before ? inARow + 1 : 0;
  }
  const copied = mirror.received.length;
  for (let count = 0; count < 10; count += 1) await skippedAfterAnother();

  t.is(mirror.received.length, copied);
});
