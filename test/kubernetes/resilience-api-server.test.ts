import test from 'ava';
import type { LogEntry } from '../../event-log/event-log.ts';
import { applyMarked, createHand, startEditing } from '../support/edits.ts';
import { testSeed } from '../support/environment.ts';
import { startKubeRelay } from '../support/kube-relay.ts';
import { operatorNamespace } from '../support/operator-process.ts';
import { freePorts } from '../support/ports.ts';
import { createRandom } from '../support/random.ts';
import { assertNothingLost, startServedPlane, untilLeading } from '../support/served-plane.ts';
import { hasCondition } from '../support/watch-proxies.ts';

const shortLease = { HEADGATE_LEASE_SECONDS: '3' };

test('the API server is killed and started ten times while a hundred resources change', async (t) => {
  const random = createRandom(testSeed);
  t.log(`seed ${testSeed}`);
  const plane = await startServedPlane(t, { env: shortLease });
  const { kube, steadyPort: takenPort } = plane;
  const people = { people: 100, thinkMs: 5000 };
  const editing = startEditing(t, { ...plane, ...people, takenPort, random });
  await editing.more(100);

  for (let kill = 0; kill < 10; kill += 1) {
    await kube.kill();
    await kube.start();
    await editing.more(1 + random.below(20));
  }
  const backAt = performance.now();
  await editing.stop();

  await assertNothingLost(t, plane, editing);
  t.log(`as it should be ${Math.round(performance.now() - backAt)} ms after the last return`);
});

test('the API server answers nothing for longer than the lease, and then etcd is killed: all goes on where it was', async (t) => {
  const random = createRandom(testSeed);
  t.log(`seed ${testSeed}`);
  const plane = await startServedPlane(t, { env: shortLease });
  const { kube, operator, steadyPort: takenPort } = plane;
  const people = { people: 20, thinkMs: 1000 };
  const editing = startEditing(t, { ...plane, ...people, takenPort, random });
  await editing.more(20);

  await untilLeading(operator);
  let from = operator.lines.all.length;
  kube.pause();
  await operator.said('leads no longer', from);
  kube.resume();
  await editing.more(20);
  await untilLeading(operator);
  from = operator.lines.all.length;
  await kube.killEtcd();
  await operator.said('leads no longer', from);
  await kube.startEtcd();
  await editing.more(20);
  await editing.stop();

  await assertNothingLost(t, plane, editing);
});

test('a watch that was cut while resources came, changed, went and came again begins anew: nothing is missed', async (t) => {
  const plane = await startServedPlane(t);
  const { kube } = plane;
  const relay = await startKubeRelay(t, kube, kube.kubeconfig);
  await plane.operator.stop();
  const operator = await plane.startOperator({ KUBECONFIG: relay.kubeconfig });
  await operator.said('leading');
  const hand = createHand(plane);
  for (const name of ['changed', 'gone', 'again', 'kept']) await hand.apply(name);
  for (const name of ['changed', 'gone', 'again', 'kept']) await hand.decided(name);

  relay.dropReplies();
  await hand.apply('changed');
  await hand.remove('gone');
  await hand.remove('again');
  await hand.apply('again');
  await hand.apply('came');
  // What the watch would need to go on is forgotten by all who knew it: 410 Gone.
  await kube.compact();
  await kube.kill();
  await kube.start();
  relay.cut();

  await assertNothingLost(t, plane, hand);
  const metrics = await (await fetch(`${operator.admin}/metrics`)).text();
  t.regex(metrics, /\nheadgate_watch_restarts_total\{kind="ForwardProxy",reason="expired"\} [1-9]/);
  t.deepEqual(await plane.story('kept'), ['configured@1']);
});

test('a resource that is deleted and made again is another one, whether an operator was there or not', async (t) => {
  const plane = await startServedPlane(t);
  const hand = createHand(plane);
  for (const name of ['seen', 'unseen']) await hand.apply(name);
  for (const name of ['seen', 'unseen']) await hand.decided(name);
  const before = new Map([...hand.histories].map(([name, edits]) => [name, edits[0]]));

  await hand.remove('seen');
  await hand.apply('seen');
  await hand.decided('seen');
  await plane.operator.stop('SIGKILL');
  await hand.remove('unseen');
  await hand.apply('unseen');
  await plane.startOperator();

  await assertNothingLost(t, plane, hand);
  for (const name of ['seen', 'unseen']) {
    const configured = (await plane.story(name)).filter((word) => word !== 'removed');
    t.deepEqual(configured, ['configured@1', 'configured@1'], name);
    t.not(hand.histories.get(name)?.at(-1)?.uid, before.get(name)?.uid);
  }
});

test('an edit that is undone while nobody looks is no event, and its generation is spoken of all the same', async (t) => {
  const plane = await startServedPlane(t);
  const hand = createHand(plane);
  await hand.apply('undone', 2000);
  await hand.decided('undone');
  await plane.operator.stop();
  await hand.apply('undone', 2001);
  await hand.apply('undone', 2000);

  await plane.startOperator();

  await plane.proxies.until('undone', (object) => hasCondition(object, 'Programmed', 'True', 3));
  t.deepEqual(await plane.story('undone'), ['configured@1']);
  t.deepEqual(plane.load.failures, []);
});

test('a namespace that is deleted takes its resources and their Services along, and nothing else', async (t) => {
  const plane = await startServedPlane(t);
  const { kube, log } = plane;
  const doomed = 'team-doomed';
  await kube.kubectl('create', 'namespace', doomed);
  const ports = await freePorts(5);
  for (const [index, port] of ports.entries()) {
    // Not on loopback, where nobody needs a Service.
    const place = { api: plane.api, namespace: doomed };
    await applyMarked(place, `egress-${index}`, port, 3000, '0.0.0.0');
  }
  const services = ['services', '--namespace', operatorNamespace];
  const ofDoomed = ports.map((_, index) => `service/fp-${doomed}-egress-${index}`);
  const wait = async (what: string) => {
    const args = [`--for=${what}`, '--namespace', operatorNamespace, '--timeout=120s'];
    for (const service of ofDoomed) await kube.kubectl('wait', service, ...args);
  };
  await wait('create');
  const others = (await kube.kubectl('get', ...services, '-o', 'name'))
    .split('\n')
    .filter((name) => !ofDoomed.includes(name));

  await kube.kubectl('delete', 'namespace', doomed, '--timeout=120s');

  await log.until((entries) => removalsIn(entries, doomed).length >= ports.length);
  await wait('delete');
  t.deepEqual((await kube.kubectl('get', ...services, '-o', 'name')).split('\n'), others);
  t.is(new Set(removalsIn(log.all, doomed)).size, ports.length);
  t.is(removalsIn(log.all, doomed).length, ports.length);
  t.deepEqual(await plane.story('steady'), ['configured@1']);
  await plane.load.more(20);
  t.deepEqual(plane.load.failures, []);
});

function removalsIn(entries: readonly LogEntry[], namespace: string): readonly string[] {
  return entries
    .map(({ event: { type, subject } }) => `${type.split('.')[3]} ${subject}`)
    .filter((line) => line.startsWith(`removed ForwardProxy/${namespace}/`));
}
