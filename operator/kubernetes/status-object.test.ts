import test from 'ava';
import type { ResourceStatus } from '../../contracts/status.ts';
import { readStatus, writeStatus } from './status-object.ts';

const time = '2026-01-01T00:00:00.000Z';
const status: ResourceStatus = {
  ...{ observedGeneration: 1, configVersion: 42, configHash: null },
  ...{ lastEvent: null, propagation: null, conditions: [] },
};

test('what was written of mirrors is read again, and of a kind without mirrors nothing', (t) => {
  const mirrors = [
    { name: 'all/canary', state: 'BreakerOpen', lastTransitionTime: time },
    { name: 'all/staging', state: 'Active', lastTransitionTime: time },
  ] as const;

  t.deepEqual(readStatus(writeStatus({ ...status, mirrors })), { ...status, mirrors });
  t.deepEqual(readStatus(writeStatus(status)), status);
});
