import test from 'ava';
import { createMeter } from '../runtime/count.ts';
import { createMetrics } from '../runtime/metrics.ts';
import { createVersionGauges } from './version-gauges.ts';

const versionsIn = (text: string) =>
  text.split('\n').filter((line) => line.startsWith('headgate_config_version{'));

test('each resource shows its version in force, until it is removed', async (t) => {
  const metrics = createMetrics({ processMetrics: false });
  const versions = createVersionGauges(createMeter((message) => metrics.receive(0, message)));

  versions.show(
    new Map([
      ['ForwardProxy/team-a/egress', 7],
      ['ForwardProxy/team-b/egress', 3],
    ]),
  );
  t.deepEqual(versionsIn(await metrics.render()), [
    'headgate_config_version{kind="ForwardProxy",resource="team-a/egress"} 7',
    'headgate_config_version{kind="ForwardProxy",resource="team-b/egress"} 3',
  ]);

  versions.show(new Map([['ForwardProxy/team-a/egress', 9]]));
  t.deepEqual(versionsIn(await metrics.render()), [
    'headgate_config_version{kind="ForwardProxy",resource="team-a/egress"} 9',
  ]);
});
