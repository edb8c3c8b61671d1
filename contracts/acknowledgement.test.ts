import test from 'ava';
import { type Acknowledgement, type Refusal, readAcknowledgement } from './acknowledgement.ts';

const refusal: Refusal = {
  resource: 'ForwardProxy/team-a/egress',
  sequence: 7,
  reason: 'PortUnavailable',
  code: 'proxy_configuration_error',
  message: 'another process has it',
};

const acknowledgement: Acknowledgement = {
  instance: 'i1',
  pool: 'default',
  logId: 'log-1',
  applied: 9,
  digest: 'd',
  refusals: [refusal],
  refusalCount: 1,
  eventTypes: ['dev.headgate.forwardproxy.configured.v1'],
  keyIds: ['k1'],
  draining: false,
};

const read = (value: unknown) => readAcknowledgement(JSON.parse(JSON.stringify(value)));
const isRead = (value: unknown) => read(value) !== null;

test('what a pod writes is what the operator reads', (t) => {
  t.deepEqual(read(acknowledgement), acknowledgement);
  t.true(isRead({ ...acknowledgement, refusals: [], refusalCount: 0 }));
});

test('what a newer pod adds is ignored', (t) => {
  t.true(isRead({ ...acknowledgement, region: 'x' }));
});

test('an acknowledgement lacks nothing and each field is what it should be', (t) => {
  for (const field of Object.keys(acknowledgement)) {
    t.false(isRead({ ...acknowledgement, [field]: undefined }), `no ${field}`);
    t.false(isRead({ ...acknowledgement, [field]: null }), `${field} is null`);
    t.false(isRead({ ...acknowledgement, [field]: {} }), `${field} is an object`);
  }
  for (const value of [null, [], '', 1, {}]) t.false(isRead(value));
});

test('a refusal lacks nothing either', (t) => {
  for (const field of Object.keys(refusal)) {
    for (const value of [undefined, null, {}]) {
      const refusals = [refusal, { ...refusal, [field]: value }];
      t.false(isRead({ ...acknowledgement, refusals }), field);
    }
  }
  t.false(isRead({ ...acknowledgement, refusals: [null] }));
});

const trouble = {
  resource: 'MirrorRoute/team-a/shop',
  part: 'rule-1/canary',
  state: 'BreakerOpen',
};
const health = { troubles: [trouble], troubleCount: 1 };

test('what a pod says of parts is read; what cannot be read of it is left out, and the rest holds', (t) => {
  t.deepEqual(read({ ...acknowledgement, health })?.health, health);
  const tooMany = Array.from({ length: 101 }, () => trouble);
  const malformed: readonly unknown[] = [
    ...[null, [], 'well', { troubles: [trouble] }, { troubles: {}, troubleCount: 1 }],
    { troubles: tooMany, troubleCount: 101 },
    { troubles: [{ ...trouble, part: 'x'.repeat(513) }], troubleCount: 1 },
    ...Object.keys(trouble).map((field) => ({ ...health, troubles: [{ ...trouble, [field]: 1 }] })),
  ];
  for (const each of malformed) {
    t.deepEqual(read({ ...acknowledgement, health: each }), acknowledgement, JSON.stringify(each));
  }
});
