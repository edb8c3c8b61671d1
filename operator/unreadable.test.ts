import test from 'ava';
import { openWorld, subjects } from '../test/support/operator-world.ts';
import { createTableSource } from '../test/support/table-source.ts';

const listenOn = (port: number) => ({
  listeners: [{ name: 'all', port, address: '127.0.0.1' }],
});

test('a resource whose last entry is not known here is left alone, its neighbours are not', async (t) => {
  const world = await openWorld(t);
  world.startPod();
  const key = { kind: 'ForwardProxy', namespace: 'team-a', name: 'newer' } as const;
  const leader = await world.eventLog.lead('a newer Headgate');
  const event = {
    id: 'newer',
    source: 'directory:test',
    type: 'dev.headgate.forwardproxy.configured.v9',
    subject: 'ForwardProxy/team-a/newer',
    time: '2026-11-20T10:00:00.000Z',
    data: { type: 'ForwardProxyConfigured', spec: 'in other words' },
  };
  const subject = subjects.config('default', key);
  const [sequence] = await leader.append([{ subject, event }]);

  const source = createTableSource();
  source.put('newer', listenOn(3128));
  source.put('other', listenOn(3129));
  const operator = world.operate(source);
  await operator.called('ready');

  t.deepEqual(
    (await world.entries('configured')).map((entry) => entry.event.subject),
    ['ForwardProxy/team-a/newer', 'ForwardProxy/team-a/other'],
  );
  t.true(operator.calls.includes(`problem ${subject} ${sequence}`));
  t.regex(operator.problems.join(), /configured\.v9.* ForwardProxy\/team-a\/newer is left/);
});
