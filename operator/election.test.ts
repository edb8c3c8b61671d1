import test from 'ava';
import type { EventLog } from '../event-log/event-log.ts';
import { openWorld } from '../test/support/operator-world.ts';
import { createTableSource } from '../test/support/table-source.ts';

test('an operator that is stopped while it is being elected ends, and does nothing more', async (t) => {
  const world = await openWorld(t);
  const [asked, stopped] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const slowToElect: EventLog = {
    ...world.eventLog,
    async lead(...args) {
      const leader = await world.eventLog.lead(...args);
      asked.resolve();
      await stopped.promise;
      return leader;
    },
  };
  const operator = world.operate(createTableSource(), { eventLog: slowToElect });
  operator.source.put('one', { listeners: [{ name: 'all', port: 3128, address: '127.0.0.1' }] });
  await asked.promise;

  const ended = operator.stop();
  stopped.resolve();
  await ended;

  t.deepEqual(await world.story(), ['leaderelected headgate']);
});
