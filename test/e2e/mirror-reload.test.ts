import type { Socket } from 'node:net';
import test from 'ava';
import { nothingHeld, untilCounted, untilGauges } from '../support/copy-counts.ts';
import { mirrorTo, type RouteSpec, ruleTo, startRoutes } from '../support/mirror-route.ts';
import { silent } from '../support/mirror-targets.ts';
import { startTcpOrigin } from '../support/origin.ts';
import { connectPeer } from '../support/peer.ts';
import { type Recorder, seenIn, showing, startRecorder } from '../support/recorder.ts';
import { startAsking } from '../support/route-load.ts';
import { requestText } from '../support/route-request.ts';

// What is served and copied while it is edited. Each test has a process of its own: they edit the
// same file.

const resource = 'test/shop';
/** As fast as they can would leave the edits little of the machine. */
const pauseMs = 5;
const quiet = { accessLog: { enabled: false } };

/** Something that changes with every edit: rules, filters, mirrors and their limits. */
function version(
  backends: readonly Recorder[],
  mirrors: readonly { readonly authority: string }[],
  index: number,
): RouteSpec {
  const [first, second] = backends;
  const wanted = mirrors.filter((_, at) => ((index >> at) & 1) === 1);
  const edit = { name: 'X-Edit', value: String(index) };
  const rule = {
    backendRefs: [first, second].map((backend, at) => ({
      url: `http://${backend?.authority}`,
      weight: 1 + ((index + at) % 3),
    })),
    filters: [{ type: 'ResponseHeaderModifier', responseHeaderModifier: { set: [edit] } }],
    ...(wanted.length === 0
      ? {}
      : {
          mirrors: wanted.map((mirror, at) =>
            mirrorTo(mirror, {
              name: `mirror-${at}`,
              limits: { concurrent: 1 + (index % 8), queue: index % 16 },
              percent: 50 + (index % 51),
            }),
          ),
        }),
  };
  const more = ruleTo(first ?? { authority: '' }, {
    matches: [{ path: { value: `/edit-${index}` } }],
  });
  return { ...quiet, rules: index % 2 === 0 ? [rule] : [rule, more] };
}

test.serial('200 edits under load fail no request and close no connection', async (t) => {
  const backends = [await startRecorder(t), await startRecorder(t)];
  const mirrors = [await startRecorder(t), await startTcpOrigin(t, silent), await startRecorder(t)];
  const { up, portOf, edited } = await startRoutes(t, { shop: version(backends, mirrors, 0) });
  const load = await startAsking(t, portOf.shop, 12, pauseMs);
  t.teardown(() => load.stop());
  await load.more(100);

  const before = load.done;
  for (let index = 1; index <= 200; index += 1) {
    const line = await up.apply(edited({ shop: version(backends, mirrors, index) }));
    t.regex(line, new RegExp(`Programmed: generation ${index + 1},`));
  }
  t.true(load.done > before);
  await load.more(100);
  await load.stop();

  t.deepEqual(load.failures, []);
  t.true(backends.every(({ received }) => received.length > 0));
  t.log(`${load.done} requests`);
});

test.serial(
  'another backend is asked from one request to the next, on a connection that is kept',
  async (t) => {
    const [one, other] = [
      await startRecorder(t, showing('one')),
      await startRecorder(t, showing('other')),
    ];
    const spec = (backend: Recorder) => ({ rules: [ruleTo(backend)] });
    const { up, portOf, edited } = await startRoutes(t, { shop: spec(one) });
    const client = await connectPeer(t, portOf.shop);
    const whoAnswers = async () => {
      client.send(requestText());
      return seenIn(await client.message()).by;
    };

    const answered = [await whoAnswers()];
    for (const backend of [other, one, other]) {
      await up.apply(edited({ shop: spec(backend) }));
      answered.push(await whoAnswers());
    }

    t.deepEqual(answered, ['one', 'other', 'one', 'other']);
  },
);

test.serial(
  'mirrors come and go under load: every request is accounted for, and nothing is held in the end',
  async (t) => {
    const [backend, mirror] = [await startRecorder(t), await startRecorder(t)];
    const mirrors = [mirrorTo(mirror, { limits: { queue: 100_000 } })];
    const spec = (parts: object) => ({ ...quiet, rules: [ruleTo(backend, parts)] });
    const { up, portOf, edited } = await startRoutes(t, { shop: spec({}) });
    const load = await startAsking(t, portOf.shop, 8, pauseMs);
    t.teardown(() => load.stop());

    for (let turn = 0; turn < 20; turn += 1) {
      await load.more(20);
      await up.apply(edited({ shop: spec(turn % 2 === 0 ? { mirrors } : {}) }));
    }
    // A mirror that is gone holds nothing, no connection either, and takes its counters with it.
    await untilGauges(up, { resource }, nothingHeld);
    await untilClosed(mirror.sockets);
    const before = mirror.received.length;
    await up.apply(edited({ shop: spec({ mirrors }) }));
    await load.more(20);
    await load.stop();

    t.deepEqual(load.failures, []);
    await untilGauges(up, { resource }, nothingHeld);
    const copies = mirror.received.length - before;
    const { sent, skipped } = await untilCounted(up, { resource }, copies);
    t.deepEqual({ sent, skipped }, { sent: { answered: copies }, skipped: {} });
    t.true(before > 0 && copies > 0 && mirror.received.length < load.done);
  },
);

async function untilClosed(sockets: ReadonlySet<Socket>): Promise<void> {
  for (const socket of sockets) {
    if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve));
  }
}
