import test from 'ava';
import type { Condition } from '../../contracts/conditions.ts';
import type { Propagation, ResourceStatus } from '../../contracts/status.ts';
import { newsOf } from './news.ts';

const condition = (
  type: Condition['type'],
  status: Condition['status'],
  reason: string,
  message = reason,
): Condition => ({
  ...{ type, status, reason, message },
  observedGeneration: 1,
  lastTransitionTime: '2026-01-01T00:00:00Z',
});

const propagation: Propagation = {
  ...{ generation: 1, state: 'Complete', desired: 2, acked: 2, nacked: 0, unreachable: 0 },
  ...{ publishedAt: '2026-01-01T00:00:00Z', completedAt: '2026-01-01T00:00:00Z' },
  ...{ first: 10, p50: 10, p99: 38, max: 38.4, lagging: [] },
};

const status = (
  conditions: readonly Condition[],
  more: Partial<ResourceStatus> = {},
): ResourceStatus => ({
  ...{ observedGeneration: 1, configVersion: 42, configHash: 'x', propagation, conditions },
  lastEvent: { id: '1', seq: 42, time: '2026-01-01T00:00:00Z', type: 't', by: 'argocd' },
  ...more,
});

const accepted = condition('Accepted', 'True', 'Accepted');
const programmed = condition('Programmed', 'True', 'Programmed');
const pending = condition('Programmed', 'Unknown', 'Pending');

test('a version is news when it is recorded, and when every pod serves it', (t) => {
  const recorded = status([accepted, pending], {
    propagation: { ...propagation, state: 'Pending' },
  });
  const complete = status([accepted, programmed]);

  t.deepEqual(newsOf(null, { status: recorded }), [
    {
      type: 'Normal',
      reason: 'Configured',
      action: 'Record',
      note: 'version 42 recorded by argocd',
    },
  ]);
  t.deepEqual(newsOf(recorded, { status: complete }), [
    {
      type: 'Normal',
      reason: 'Programmed',
      action: 'Program',
      note: 'version 42 in force on 2/2 pods after 38 ms',
    },
  ]);
});

test('what stood there before is no news', (t) => {
  const complete = status([accepted, programmed, condition('Degraded', 'True', 'PodsBehind')]);

  t.deepEqual(newsOf(complete, { status: complete }), []);
});

test('a refusal is a warning with its reason, once per generation', (t) => {
  const before = status([accepted, programmed]);
  const refused = condition('Accepted', 'False', 'PortConflict', 'port 3128 is taken');
  const after = status([refused, programmed]);
  const again = status([{ ...refused, observedGeneration: 2 }, programmed]);

  const expected = [
    { type: 'Warning', reason: 'PortConflict', action: 'Record', note: 'port 3128 is taken' },
  ] as const;
  t.deepEqual(newsOf(before, { status: after }), expected);
  t.deepEqual(newsOf(after, { status: after }), []);
  t.deepEqual(newsOf(after, { status: again }), expected);
});

test('pods that refuse, and pods that fall behind, are warnings; pods that are awaited are not', (t) => {
  const before = status([accepted, programmed]);
  const rejected = condition('Programmed', 'False', 'PortUnavailable');
  const degraded = condition('Degraded', 'True', 'PodsBehind');
  const reasons = (after: readonly Condition[]) =>
    newsOf(before, { status: status(after) }).map(({ reason }) => reason);

  t.deepEqual(reasons([accepted, rejected]), ['PortUnavailable']);
  t.deepEqual(reasons([accepted, programmed, degraded]), ['PodsBehind']);
  t.deepEqual(reasons([accepted, condition('Programmed', 'False', 'NoPods')]), []);
});

test('a note is never longer than Kubernetes takes', (t) => {
  const long = condition('Accepted', 'False', 'Invalid', 'ü'.repeat(4000));
  const [news] = newsOf(null, { status: status([long], { configVersion: null }) });

  t.true(Buffer.byteLength(news?.note ?? '') <= 1024);
  t.regex(news?.note ?? '', /ü…$/);
});
