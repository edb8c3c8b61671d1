import test from 'ava';
import type { EventLog } from '../event-log/event-log.ts';
import { isProgrammed, message, openWorld } from '../test/support/operator-world.ts';
import { createTableSource } from '../test/support/table-source.ts';

const listeningOn = (...ports: readonly number[]) => ({
  listeners: ports.map((port) => ({ name: `on-${port}`, port, protocol: 'Mixed' })),
});

/** The same log, noting how many configurations each append holds. */
function noting(eventLog: EventLog) {
  const appends: number[] = [];
  const noted: EventLog = {
    ...eventLog,
    async lead(holder, floor) {
      const leader = await eventLog.lead(holder, floor);
      return {
        ...leader,
        append(entries) {
          const configured = entries.filter(({ event }) => event.type.includes('.configured.'));
          if (configured.length > 0) appends.push(configured.length);
          return leader.append(entries);
        },
      };
    },
  };
  return { noted, appends };
}

test('what is there at the start is recorded in a few appends, not one by one', async (t) => {
  const world = await openWorld(t);
  const { noted, appends } = noting(world.eventLog);
  const source = createTableSource();
  for (let at = 0; at < 450; at++) source.put(`proxy-${at}`, listeningOn(10_000 + at));
  world.startPod();

  const operator = world.operate(source, { eventLog: noted });
  await operator.called('ready');

  t.is((await world.entries('.configured.')).length, 450);
  t.true(appends.length <= 6, appends.join());
});

test('so are routes that share one listener, and who wants another there is told by himself', async (t) => {
  const world = await openWorld(t);
  const { noted, appends } = noting(world.eventLog);
  const source = createTableSource();
  const route = (name: string) => ({
    listeners: [{ name, port: 443 }],
    hostnames: [`${name}.example`],
    rules: [{ backendRefs: [{ url: 'http://backend.example' }] }],
  });
  for (let at = 0; at < 450; at++) source.put(`route-${at}`, route('web'), { kind: 'MirrorRoute' });
  source.put('route-0-other', route('other'), { kind: 'MirrorRoute' });
  world.startPod();

  const operator = world.operate(source, { eventLog: noted });
  await operator.called('ready');

  t.is((await world.entries('.configured.')).length, 450);
  t.true(appends.length <= 6, appends.join());
  await operator.status('route-0-other', (said) => said.includes('PortConflict'));
});

test('of two that come at once and want one port, one gets it and the other says who', async (t) => {
  const world = await openWorld(t);
  const source = createTableSource();
  source.put('first', listeningOn(3128));
  source.put('second', listeningOn(3129, 3128));
  source.put('third', listeningOn(3129));
  world.startPod();

  const operator = world.operate(source);

  await operator.status('first', isProgrammed);
  await operator.status('third', isProgrammed);
  const refused = await operator.status('second', (said) => said.includes('PortConflict'));
  t.regex(message(refused, 'Accepted'), /ForwardProxy\/team-a\/(first|third) has/);
});

test('one that is too large holds up nobody who comes with it', async (t) => {
  const world = await openWorld(t);
  const source = createTableSource();
  const patterns = Array.from({ length: 64 }, (_, at) => `${'x'.repeat(60)}.${at}.example`);
  const rules = Array.from({ length: 256 }, (_, at) => ({
    name: `rule-${at}`,
    action: 'Allow',
    hosts: patterns,
  }));
  source.put('large', { ...listeningOn(3128), egress: { rules } });
  source.put('small', listeningOn(3129));
  world.startPod();

  const operator = world.operate(source);

  await operator.status('small', isProgrammed);
  const refused = await operator.status('large', (said) => said.includes('Accepted=False'));
  t.regex(message(refused, 'Accepted'), /limit/);
});

test('a source that does not answer does not hold up the end of a term', async (t) => {
  const world = await openWorld(t);
  const asked = Promise.withResolvers<void>();
  const source = {
    ...createTableSource(),
    confirmAbsent() {
      asked.resolve();
      return new Promise<boolean>(() => undefined);
    },
  };
  source.put('leaving', listeningOn(3128));
  world.startPod();
  const operator = world.operate(source);
  await operator.status('leaving', isProgrammed);
  source.remove('leaving');
  await asked.promise;

  await operator.stop();

  t.is((await world.entries('.removed.')).length, 0);
});
