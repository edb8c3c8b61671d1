import test from 'ava';
import type { Acknowledgement } from '../../contracts/acknowledgement.ts';
import { createPods } from './pods.ts';

const said = (more: Partial<Acknowledgement> = {}): Acknowledgement => ({
  instance: 'pod-1',
  pool: 'default',
  logId: 'log',
  applied: 5,
  digest: 'd',
  refusals: [],
  refusalCount: 0,
  eventTypes: [],
  keyIds: [],
  draining: false,
  ...more,
});

function open() {
  const pods = createPods();
  pods.begin('log', 0);
  return pods;
}

test('a heartbeat that says nothing new changes nothing', (t) => {
  const pods = open();

  t.true(pods.receive(said(), 0));
  t.false(pods.receive(said(), 3000));
  t.true(pods.receive(said({ applied: 6 }), 3100));
});

test('a pod counts from its first complete snapshot, in its own pool', (t) => {
  const pods = open();

  t.false(pods.receive(said({ applied: 0 }), 0));
  pods.receive(said({ pool: 'other' }), 0);

  t.deepEqual(pods.inPool('default', 0), []);
  t.is(pods.inPool('other', 0).length, 1);
});

test('what is said about another life of the log does not count', (t) => {
  const pods = open();

  t.false(pods.receive(said({ logId: 'earlier' }), 0));
  t.deepEqual(pods.inPool('default', 0), []);
});

test('a draining pod leaves', (t) => {
  const pods = open();
  pods.receive(said(), 0);

  t.true(pods.receive(said({ draining: true }), 1));
  t.deepEqual(pods.inPool('default', 1), []);
});

test('nobody is called silent within 15 s of the start, whoever is so afterwards', (t) => {
  const pods = open();
  pods.receive(said(), 0);

  t.true(pods.inPool('default', 14_999)[0]?.reachable);
  t.false(pods.inPool('default', 15_000)[0]?.reachable);
  t.deepEqual([...pods.sweep(15_000)], ['default']);
  t.deepEqual([...pods.sweep(16_000)], [], 'it is news once');
});

test('an outage of the log gives everybody 15 s again', (t) => {
  const pods = open();
  pods.receive(said(), 20_000);

  pods.outageEnded(60_000);

  t.true(pods.inPool('default', 74_999)[0]?.reachable);
  t.true(pods.tooEarly(74_999));
  t.false(pods.inPool('default', 75_000)[0]?.reachable);
});

test('a silent pod that speaks again is news; one that stays silent is forgotten', (t) => {
  const pods = open();
  pods.receive(said(), 20_000);
  pods.sweep(31_000);

  t.true(pods.receive(said(), 32_000));
  t.deepEqual([...pods.sweep(62_001)], ['default']);
  t.deepEqual(pods.inPool('default', 62_001), []);
});
