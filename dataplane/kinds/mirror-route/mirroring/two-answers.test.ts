import { gzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import type { CompareConfig } from '../../../../contracts/kinds/mirror-route/config.ts';
import {
  at,
  engineWorld,
  isNothing,
  type MirrorParts,
} from '../../../../test/support/mirror-engine-world.ts';
import { silent } from '../../../../test/support/mirror-targets.ts';
import { startTcpOrigin } from '../../../../test/support/origin.ts';
import type { Copies } from './mirror-engine.ts';
import { TwoAnswers } from './two-answers.ts';

type Answer = {
  readonly status?: number;
  readonly fields?: readonly string[];
  readonly body?: string | Buffer;
  readonly whole?: boolean;
};

const inFull: CompareConfig = {
  ...{ mode: 'Body', percent: 100, maxBytes: 1000 },
  ...{ ignoreHeaders: [], ignoreJSONPointers: [] },
};

/** What comes of comparing; the answers come in pieces, the one before, after or within the other. */
function compare(primary: Answer, copy: Answer, parts: Partial<CompareConfig> = {}) {
  const results: string[] = [];
  const config = { ...inFull, ...parts };
  const answers = new TwoAnswers({ config, json: null }, { loopBusy: false }, (result) =>
    results.push(result),
  );
  const play = (side: 'primary' | 'copy', { status = 200, fields = [], body = '' }: Answer) => {
    answers[side].head(status, fields);
    const bytes = Buffer.from(body);
    for (let at = 0; at < bytes.length; at += 7) answers[side].data(bytes.subarray(at, at + 7));
  };
  play('primary', primary);
  play('copy', copy);
  answers.copyEnd(copy.whole ?? true);
  answers.copyEnd(false);
  answers.primaryEnd(primary.whole ?? true);
  answers.primaryEnd(false);
  return results;
}

test('R18: what two answers come to', (t) => {
  const length = ['Content-Length', '5'];
  const chunked = ['Transfer-Encoding', 'chunked'];
  const gzip = { fields: ['Content-Encoding', 'gzip'], body: gzipSync('hello') };
  const cases: readonly (readonly [Answer, Answer, string])[] = [
    [{ body: 'hello' }, { body: 'hello' }, 'match'],
    [{ fields: length, body: 'hello' }, { fields: chunked, body: 'hello' }, 'match'],
    [{ status: 200 }, { status: 500 }, 'status_differs'],
    [{ fields: ['A', 'b'] }, { fields: ['A', 'c'] }, 'headers_differ'],
    [{ body: 'hello' }, { body: 'hello!' }, 'length_differs'],
    [{ body: 'hello' }, { body: 'jello' }, 'body_differs'],
    [{ body: 'hello' }, gzip, 'incomparable'],
    [{ body: 'hello' }, { body: 'hell', whole: false }, 'incomparable'],
    [{ body: 'hello', whole: false }, { body: 'hello' }, 'incomparable'],
    [{ body: 'x'.repeat(1000) }, { body: 'x'.repeat(1000) }, 'match'],
    [{ body: 'x'.repeat(1001) }, { body: 'x'.repeat(1001) }, 'incomparable'],
  ];
  for (const [primary, copy, result] of cases) t.deepEqual(compare(primary, copy), [result]);
});

test('where there is no answer nothing is compared', (t) => {
  const results: string[] = [];
  const config = { ...inFull, mode: 'Status' } as const;
  const answers = new TwoAnswers({ config, json: null }, { loopBusy: false }, (result) =>
    results.push(result),
  );

  answers.copy.head(200, []);
  answers.copyEnd(true);
  answers.primaryEnd(false);

  t.deepEqual(results, []);
});

/** A mirror that answers this; the primary answers `hello`, before or after it. */
async function compared(
  t: ExecutionContext,
  answer: string | Buffer,
  { primaryFirst = true, method = 'GET', primaryBody = 'hello' } = {},
) {
  const { port } = await startTcpOrigin(t, (socket) => {
    socket.on('end', () => socket.end());
    socket.on('data', () => socket.write(answer));
  });
  const compare = { ...inFull, ignoreHeaders: ['date'] };
  const world = engineWorld(t, [{ origin: at(port), compare }]);
  const copies = world.begin({ method });
  const primary = () => {
    copies?.primaryHead(200, ['Content-Length', '5', 'Date', 'now']);
    copies?.primaryData(Buffer.from(primaryBody));
    copies?.primaryEnd(true);
  };
  if (primaryFirst) primary();
  copies?.complete();
  await world.idle();
  if (!primaryFirst) primary();
  return world.context.values('headgate_mirror_compared_total', 'result');
}

test('R18: answers over real sockets, whichever comes first', async (t) => {
  const gzipped = gzipSync('hello');
  const head = (...fields: readonly string[]) =>
    `HTTP/1.1 200 OK\r\n${fields.join('\r\n')}\r\n\r\n`;
  const cases: readonly (readonly [string | Buffer, string])[] = [
    [`${head('Content-Length: 5', 'Date: later')}hello`, 'match'],
    [`${head('Transfer-Encoding: chunked')}2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n`, 'match'],
    [`${head('Content-Length: 5')}jello`, 'body_differs'],
    [
      Buffer.concat([
        Buffer.from(head('Content-Encoding: gzip', `Content-Length: ${gzipped.length}`)),
        gzipped,
      ]),
      'incomparable',
    ],
    [head('Content-Length: 9999999'), 'incomparable'],
  ];
  for (const [answer, result] of cases) {
    for (const primaryFirst of [true, false]) {
      t.deepEqual(await compared(t, answer, { primaryFirst }), { [result]: 1 }, String(answer));
    }
  }
});

test('an answer to HEAD is whole, whatever length it says', async (t) => {
  const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n';

  const results = await compared(t, answer, { method: 'HEAD', primaryBody: '' });

  t.deepEqual(results, { match: 1 });
});

test('a copy that is not answered is compared with nothing', async (t) => {
  t.deepEqual(await compared(t, 'HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n'), {});
});

const jsonHead = (body: string | Buffer, ...fields: readonly string[]) =>
  `HTTP/1.1 200 OK\r\n${['Content-Type: application/json', ...fields, `Content-Length: ${body.length}`].join('\r\n')}\r\n\r\n`;

/** A mirror that answers this JSON, and a primary that answers the other, whose `t` may differ. */
async function jsonWorld(
  t: ExecutionContext,
  copyBody: string | Buffer,
  {
    compare = {},
    ...parts
  }: Omit<MirrorParts, 'compare'> & { readonly compare?: Partial<CompareConfig> } = {},
) {
  const answer = Buffer.concat([Buffer.from(jsonHead(copyBody)), Buffer.from(copyBody)]);
  const { port } = await startTcpOrigin(t, (socket) => {
    socket.on('end', () => socket.end());
    socket.on('data', () => socket.write(answer));
  });
  const ignoring = { ...inFull, ignoreJSONPointers: ['/t'], ...compare };
  const world = engineWorld(t, [{ origin: at(port), compare: ignoring, ...parts }]);
  return {
    world,
    answer(copies: Copies | null, body: string, whole = true) {
      copies?.primaryHead(200, ['Content-Type', 'application/json']);
      for (let from = 0; from < body.length; from += 100) {
        copies?.primaryData(Buffer.from(body.slice(from, from + 100)));
      }
      copies?.primaryEnd(whole);
    },
    /** Waits until it is compared, and says what came of it. */
    async result() {
      let results = world.context.values('headgate_mirror_compared_total', 'result');
      while (Object.keys(results).length === 0) {
        await new Promise(setImmediate);
        results = world.context.values('headgate_mirror_compared_total', 'result');
      }
      return results;
    },
  };
}

test('R18: an ignored value of JSON may differ, and nothing is held when it is compared', async (t) => {
  for (const primaryFirst of [true, false]) {
    const { world, answer, result } = await jsonWorld(t, '{"a": 1, "t": 2}');
    const copies = world.begin();

    if (primaryFirst) answer(copies, '{"t":1,"a":1}');
    copies?.complete();
    await world.idle();
    if (!primaryFirst) {
      t.is(world.budget().total('bytes'), 16);
      answer(copies, '{"t":1,"a":1}');
    }

    t.deepEqual(await result(), { match: 1 });
    t.true(isNothing(world.held()), String(world.held()));
  }
});

test('another value of JSON is a difference', async (t) => {
  const { world, answer, result } = await jsonWorld(t, '{"a":1,"t":2}');
  const copies = world.begin();
  copies?.complete();

  answer(copies, '{"a":1.0,"t":2}');

  t.deepEqual(await result(), { body_differs: 1 });
});

test('a thread that is late compares no JSON', async (t) => {
  const { world, answer, result } = await jsonWorld(t, '{"a":1,"t":2}');
  const copies = world.begin();
  copies?.complete();
  await world.idle();
  world.loopBusy = true;
  world.later(1000);

  answer(copies, '{"a":1,"t":3}');

  t.deepEqual(await result(), { loop_busy: 1 });
  t.true(isNothing(world.held()), String(world.held()));
});

test('bodies that would be held beyond bufferedBytes are not', async (t) => {
  const { world, answer, result } = await jsonWorld(t, '{"a":1,"t":2}', {
    limits: { bufferedBytes: 50 },
  });
  const copies = world.begin();

  answer(copies, JSON.stringify({ a: 'a'.repeat(100) }));
  copies?.complete();

  t.deepEqual(await result(), { buffer_bytes: 1 });
  t.true(isNothing(world.held()), String(world.held()));
});

test('a body longer than maxBytes is given back as soon as that is known', async (t) => {
  const { world, answer, result } = await jsonWorld(t, '{"a":1,"t":2}', {
    compare: { maxBytes: 150 },
  });
  const copies = world.begin();

  answer(copies, JSON.stringify({ a: 'a'.repeat(200) }));
  t.is(world.budget().total('bytes'), 0);
  copies?.complete();

  t.deepEqual(await result(), { incomparable: 1 });
});

test('what was held is given back where nothing is compared: the copy fails, is skipped, or the primary has no answer', async (t) => {
  const body = '{"a":1}';
  const failing = await jsonWorld(t, body, { origin: at(1) });
  const failed = failing.world.begin();
  failing.answer(failed, body);
  t.false(isNothing(failing.world.held()));
  failed?.complete();
  await failing.world.idle();
  t.true(isNothing(failing.world.held()), String(failing.world.held()));

  const dropping = await jsonWorld(t, body);
  const dropped = dropping.world.begin();
  dropping.answer(dropped, body);
  dropped?.abandon();
  t.deepEqual(dropping.world.counts().skipped, { incomplete: 1 });
  t.true(isNothing(dropping.world.held()), String(dropping.world.held()));

  const alone = await jsonWorld(t, body);
  const copies = alone.world.begin();
  copies?.complete();
  await alone.world.idle();
  t.false(isNothing(alone.world.held()));
  copies?.primaryEnd(false);
  t.true(isNothing(alone.world.held()), String(alone.world.held()));

  const early = await jsonWorld(t, body);
  const late = early.world.begin();
  late?.primaryEnd(false);
  late?.complete();
  await early.world.idle();
  t.true(isNothing(early.world.held()), String(early.world.held()));
});

test('a copy that is cut gives back what was held to compare it', async (t) => {
  const { port } = await startTcpOrigin(t, silent);
  const compare = { ...inFull, ignoreJSONPointers: ['/t'] };
  const world = engineWorld(t, [{ origin: at(port), compare }]);
  const copies = world.begin();
  copies?.primaryHead(200, ['Content-Type', 'application/json']);
  copies?.primaryData(Buffer.from('{}'));
  copies?.complete();

  world.later(15_000);

  t.deepEqual(world.counts().sent, { http_response_timeout: 1 });
  t.true(isNothing(world.held()), String(world.held()));
});

test('what is not JSON is not held', async (t) => {
  const { world } = await jsonWorld(t, '{}');
  const copies = world.begin();

  copies?.primaryHead(200, ['Content-Type', 'text/plain']);
  copies?.primaryData(Buffer.from('{}'));

  t.is(world.budget().total('bytes'), 0);
  copies?.abandon();
});

test('percent says how many answered copies are compared: chance, which is one half here, decides', async (t) => {
  const resultOf = async (percent: number) => {
    const { world, answer, result } = await jsonWorld(t, '{}', { compare: { percent } });
    const copies = world.begin();
    answer(copies, '{}');
    const held = world.budget().total('bytes');
    copies?.complete();
    return { held, ...(await result()) };
  };

  t.deepEqual(await resultOf(0), { held: 0, not_sampled: 1 });
  t.deepEqual(await resultOf(50), { held: 0, not_sampled: 1 });
  t.deepEqual(await resultOf(51), { held: 2, match: 1 });
  t.deepEqual(await resultOf(100), { held: 2, match: 1 });
});
