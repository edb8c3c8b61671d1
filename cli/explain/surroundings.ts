import type { ResourceKey } from '../../contracts/resource-key.ts';
import { isStatusReported } from '../../contracts/status.ts';
import { type OpenedLog, readSnapshot } from '../open-log.ts';
import type { ResourceQuestion } from './resource-report.ts';

/** What is known of a resource besides the log. */
export type Surroundings = {
  /** Of a name that has none; `null`: to be found in the log. */
  readonly namespace: string | null;
  of(key: ResourceKey): Promise<Omit<ResourceQuestion, 'key' | 'at'>>;
};

/** Outside of clusters: what the operator reported into the log. */
export function noSurroundings({ reader, subjects }: OpenedLog): Surroundings {
  return {
    namespace: null,
    async of({ kind, namespace, name }) {
      const { entries } = await readSnapshot(reader, [subjects.allStatus]);
      const reported = entries
        .map(({ event }) => event.data)
        .filter(isStatusReported)
        .find((each) => each.kind === kind && each.namespace === namespace && each.name === name);
      const propagation = reported?.status.propagation ?? null;
      return { propagation, cluster: null, knownPods: null, caveats: [] };
    },
  };
}
