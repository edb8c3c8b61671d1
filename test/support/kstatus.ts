import type { SeenProxy } from './proxy-versions.ts';

export type Verdict = 'Terminating' | 'InProgress' | 'Failed' | 'Current';

/**
 * What kstatus (sigs.k8s.io/cli-utils), and so Flux, Argo CD and kpt, make of an object of a kind
 * they do not know. Conditions in the order in which they stand there.
 */
export function kstatus({ metadata, status }: SeenProxy): Verdict {
  if (metadata.deletionTimestamp !== undefined) return 'Terminating';
  const { observedGeneration = metadata.generation, conditions = [] } = status ?? {};
  if (observedGeneration !== metadata.generation) return 'InProgress';
  for (const { type, status: value } of conditions as readonly { type: string; status: string }[]) {
    if (type === 'Reconciling' && value === 'True') return 'InProgress';
    if (type === 'Stalled' && value === 'True') return 'Failed';
    if (type === 'Ready' && value !== 'True') return 'InProgress';
  }
  return 'Current';
}
