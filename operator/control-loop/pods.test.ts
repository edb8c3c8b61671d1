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

  t.truthy(pods.receive(said(), 0));
  t.is(pods.receive(said(), 3000), null);
  t.deepEqual(pods.receive(said({ applied: 6 }), 3100), {
    ...{ pool: 'default', from: 5, to: 6 },
    resources: [],
  });
});

test('a pod counts from its first complete snapshot, in its own pool', (t) => {
  const pods = open();

  t.is(pods.receive(said({ applied: 0 }), 0), null);
  pods.receive(said({ pool: 'other' }), 0);

  t.deepEqual(pods.inPool('default', 0), []);
  t.is(pods.inPool('other', 0).length, 1);
});

test('what is said about another life of the log does not count', (t) => {
  const pods = open();

  t.is(pods.receive(said({ logId: 'earlier' }), 0), null);
  t.deepEqual(pods.inPool('default', 0), []);
});

test('a draining pod leaves', (t) => {
  const pods = open();
  pods.receive(said(), 0);

  t.truthy(pods.receive(said({ draining: true }), 1));
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

test('while the log is out of reach nobody grows more silent, and no key is chosen over their heads', (t) => {
  const pods = open();
  pods.receive(said({ keyIds: ['old'] }), 20_000);

  pods.outageBegan(21_000);
  pods.outageBegan(40_000);

  t.true(pods.inPool('default', 600_000)[0]?.reachable);
  t.deepEqual(pods.counts(600_000).get('default'), { live: 1, silent: 0, refusals: 0 });
  t.deepEqual(pods.keysHeldByAll('default', 600_000), new Set(['old']));
  t.deepEqual([...pods.sweep(600_000)], []);
  pods.outageEnded(600_000);
  t.false(pods.inPool('default', 615_000)[0]?.reachable);
});

test('a silent pod that speaks again is news; one that stays silent is forgotten', (t) => {
  const pods = open();
  pods.receive(said(), 20_000);
  pods.sweep(31_000);

  t.truthy(pods.receive(said(), 32_000));
  t.deepEqual([...pods.sweep(62_001)], ['default']);
  t.deepEqual(pods.inPool('default', 62_001), []);
});

test('a silent pod that was deleted is forgotten at once, one that still exists is not forgotten at all', (t) => {
  const pods = createPods((_pool, name) => name === 'stays');
  pods.begin('log', -15_000);
  for (const instance of ['stays', 'deleted']) pods.receive(said({ instance }), 0);

  t.deepEqual([...pods.sweep(4000)], []);
  t.deepEqual([...pods.sweep(6000)], ['default']);
  t.deepEqual(
    pods.inPool('default', 6000).map(({ name }) => name),
    ['stays'],
  );
  pods.sweep(120_000);
  t.like(pods.inPool('default', 120_000), [{ name: 'stays', reachable: false }]);
});

test('what a pod says of parts is news of the resources of which it says something else', (t) => {
  const pods = open();
  const trouble = (name: string, state = 'BreakerOpen') => ({
    resource: `MirrorRoute/team-a/${name}`,
    ...{ part: 'rule-1/canary', state },
  });
  const health = (...troubles: readonly ReturnType<typeof trouble>[]) => ({
    health: { troubles, troubleCount: troubles.length },
  });
  const resourcesAfter = (more: Partial<Acknowledgement>) =>
    pods.receive(said(more), 0)?.resources.toSorted();
  pods.receive(said(), 0);

  const [a, b, c] = ['a', 'b', 'c'].map((name) => `MirrorRoute/team-a/${name}`);
  t.deepEqual(resourcesAfter(health(trouble('a'), trouble('b'))), [a, b]);
  t.is(resourcesAfter(health(trouble('a'), trouble('b'))), undefined);
  t.deepEqual(resourcesAfter(health(trouble('a', 'NoEndpoints'), trouble('b'), trouble('c'))), [
    a,
    c,
  ]);
  t.like(pods.inPool('default', 0), [{ health: { troubleCount: 3 } }]);
  t.deepEqual(resourcesAfter({}), [a, b, c]);
  t.like(pods.inPool('default', 0), [{ health: null }]);
});
