import test from 'ava';
import { decodeEnvelope, type Envelope, encodeEnvelope } from './envelope.ts';

const envelope: Envelope = {
  id: '0198f3c4-0000-7000-8000-000000000001',
  source: 'directory:4711',
  type: 'dev.headgate.forwardproxy.removed.v1',
  subject: 'ForwardProxy/team-a/egress',
  time: '2026-11-20T09:30:00.000Z',
  data: { type: 'ForwardProxyRemoved', uid: 'u1' },
};

/** As it lies in logs that exist: this text must be read for ever. */
const golden =
  '{"specversion":"1.0","id":"0198f3c4-0000-7000-8000-000000000001","source":"directory:4711",' +
  '"type":"dev.headgate.forwardproxy.removed.v1","subject":"ForwardProxy/team-a/egress",' +
  '"time":"2026-11-20T09:30:00.000Z","data":{"type":"ForwardProxyRemoved","uid":"u1"},' +
  '"datacontenttype":"application/json"}';

test('an event on the wire is a CloudEvent', (t) => {
  t.is(encodeEnvelope(envelope), golden);
});

test('what was written is what is read', (t) => {
  t.deepEqual(decodeEnvelope('x', golden), envelope);
  for (const data of [null, 0, '', [], {}, { nested: { text: '\u2028"\\ü😀' } }]) {
    t.deepEqual(decodeEnvelope('x', encodeEnvelope({ ...envelope, data })), { ...envelope, data });
  }
});

test('fields of the envelope that a newer version adds are ignored', (t) => {
  const newer = golden.replace('{', '{"traceparent":"00-1","time2":1,');

  t.deepEqual(decodeEnvelope('x', newer), envelope);
});

const malformed: ReadonlyArray<readonly [string, string, RegExp]> = [
  ['no bytes', '', /is not JSON/],
  ['half an event', golden.slice(0, 100), /is not JSON/],
  ['two events', golden + golden, /is not JSON/],
  ['bytes of something else', '\u0000\u0001', /is not JSON/],
  ['null', 'null', /not an object/],
  ['a list', '[]', /not an object/],
  ['a text', '"event"', /not an object/],
  ['a number', '1', /not an object/],
  ...(['id', 'source', 'type', 'subject', 'time'] as const).flatMap(
    (field): (readonly [string, string, RegExp])[] => [
      [
        `no ${field}`,
        JSON.stringify({ ...envelope, [field]: undefined }),
        new RegExp(`: ${field} is not a string$`),
      ],
      [
        `a ${field} that is no text`,
        JSON.stringify({ ...envelope, [field]: { a: 1 } }),
        new RegExp(`: ${field} is not a string$`),
      ],
    ],
  ),
];

for (const [what, text, message] of malformed) {
  test(`${what} is no event, and the error says where it was and what is wrong`, (t) => {
    const error = t.throws(() => decodeEnvelope('headgate.config.a 7', text), {
      name: 'ProxyError',
      code: 'event_malformed',
      message,
    });
    t.true(error?.message.startsWith('event headgate.config.a 7'));
  });
}

test('an event cannot reach into the objects of the program', (t) => {
  const text = golden.replace('"data":{', '"__proto__":{"id":"x"},"data":{"__proto__":{"y":1},');
  const { id, data } = decodeEnvelope('x', text);

  t.is(id, envelope.id);
  t.false('y' in {});
  t.true(typeof data === 'object' && data !== null && Object.hasOwn(data, '__proto__'));
});
