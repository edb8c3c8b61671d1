import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { isProgrammed, message, openWorld, subjects } from '../test/support/operator-world.ts';
import { createTableSource } from '../test/support/table-source.ts';
import { noPlacement, type Placement } from './control-loop/placement.ts';

const listenOn = (port: number, more: Readonly<Record<string, unknown>> = {}) => ({
  listeners: [{ name: 'all', port, address: '127.0.0.1' }],
  ...more,
});

test('a pod that refuses is quoted, until it serves', async (t) => {
  const world = await openWorld(t);
  const operator = world.operate();
  world.startPod('pod-1', ({ sequence, event }) =>
    JSON.stringify(event.data).includes('"port":80,')
      ? {
          resource: event.subject,
          sequence,
          reason: 'PortUnavailable',
          code: 'proxy_configuration_error',
          message: 'port 80: permission denied',
        }
      : null,
  );
  operator.source.put('one', listenOn(80));
  const refused = await operator.status('one', (each) => each.includes('PortUnavailable'));
  t.is(message(refused, 'Programmed'), 'pod pod-1: port 80: permission denied');
  t.like(refused.status.propagation, { state: 'Degraded', nacked: 1, lagging: [{ pod: 'pod-1' }] });

  operator.source.put('one', listenOn(8080));

  t.is((await operator.status('one', isProgrammed)).generation, 2);
});

test('a pod that falls silent degrades what it served; one that drains just leaves', async (t) => {
  const world = await openWorld(t);
  let lateMs = 0;
  const source = createTableSource();
  source.put('one', listenOn(3128));
  const operator = world.operate(source, {
    now: () => performance.timeOrigin + performance.now() + lateMs,
  });
  const first = world.startPod('pod-1');
  const second = world.startPod('pod-2');
  await operator.status('one', isProgrammed);
  await Promise.all([operator.called('ready'), first.serving, second.serving]);
  await setImmediate(); // the operator has heard all that was said

  lateMs = 20_000; // past the grace after the start
  await first.speak();
  const degraded = await operator.status('one', (each) =>
    /ProgrammedExceptUnreachable.*Degraded=True\/PodsUnreachable/.test(each),
  );
  t.regex(message(degraded, 'Programmed'), /pod-2$/);

  const from = operator.statuses.length;
  await second.drain();

  await operator.status('one', isProgrammed, from);
});

test('a move to another pool ends in the old one only when the new one serves', async (t) => {
  const world = await openWorld(t);
  const operator = world.operate(createTableSource(), { pools: ['default'] });
  world.startPod();
  operator.source.put('one', listenOn(3128, { pool: 'other' }));
  operator.source.put('two', listenOn(3129));
  await operator.status('two', isProgrammed);

  operator.source.put('one', listenOn(3128)); // nobody serves `other`; `default` has a pod
  await operator.status('one', isProgrammed);
  await operator.status('one', (each) => isProgrammed(each));
  operator.source.put('two', listenOn(3130));
  await operator.status('two', (each) => each.includes('Programmed=True/Programmed@2'));

  const removed = await world.entries('removed');
  t.deepEqual(
    removed.map(({ subject }) => subject),
    [subjects.config('other', { kind: 'ForwardProxy', namespace: 'team-a', name: 'one' })],
  );
});

test('clients that have not been sent to the new pool yet are waited for, and the others are served', async (t) => {
  const world = await openWorld(t);
  const sent = new Set<string>();
  const places: (readonly string[])[] = [];
  const placement: Placement = {
    ...noPlacement,
    hasSwitched: ({ name }) => sent.has(name),
    place: ({ key, leftBehind }) => key.name === 'one' && places.push(leftBehind),
  };
  const operator = world.operate(createTableSource(), { pools: ['default'], placement });
  world.startPod();
  operator.source.put('one', listenOn(3128, { pool: 'other' }));
  await operator.status('one', (each) => each.includes('Accepted=True'));
  operator.source.put('one', listenOn(3128));
  await operator.status('one', isProgrammed);

  operator.source.put('two', listenOn(3129));
  await operator.status('two', isProgrammed);
  const before = await world.entries('removed');
  sent.add('one');
  while ((await world.entries('removed')).length === 0) await setImmediate();

  t.deepEqual(before, []);
  while (places.at(-1)?.length !== 0) await setImmediate(); // whoever keeps pools is told
});
