import test from 'ava';
import { type Acknowledgement, isAcknowledgement, type Refusal } from './acknowledgement.ts';

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

const read = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test('what a pod writes is what the operator reads', (t) => {
  t.true(isAcknowledgement(read(acknowledgement)));
  t.true(isAcknowledgement(read({ ...acknowledgement, refusals: [], refusalCount: 0 })));
});

test('what a newer pod adds is ignored', (t) => {
  t.true(isAcknowledgement(read({ ...acknowledgement, region: 'x' })));
});

test('an acknowledgement lacks nothing and each field is what it should be', (t) => {
  for (const field of Object.keys(acknowledgement)) {
    t.false(isAcknowledgement(read({ ...acknowledgement, [field]: undefined })), `no ${field}`);
    t.false(isAcknowledgement(read({ ...acknowledgement, [field]: null })), `${field} is null`);
    t.false(isAcknowledgement(read({ ...acknowledgement, [field]: {} })), `${field} is an object`);
  }
  for (const value of [null, [], '', 1, {}]) t.false(isAcknowledgement(value));
});

test('a refusal lacks nothing either', (t) => {
  for (const field of Object.keys(refusal)) {
    for (const value of [undefined, null, {}]) {
      const refusals = [refusal, { ...refusal, [field]: value }];
      t.false(isAcknowledgement(read({ ...acknowledgement, refusals })), field);
    }
  }
  t.false(isAcknowledgement(read({ ...acknowledgement, refusals: [null] })));
});
