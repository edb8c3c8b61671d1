import { formatKey, type ResourceKey } from '../../contracts/resource-key.ts';
import { LogFull, LogUnavailable } from '../../event-log/event-log.ts';
import { keepHouse } from './housekeeping.ts';
import type { Listener } from './listener.ts';
import type { Placement } from './placement.ts';
import type { Pods } from './pods.ts';
import { type Publication, publishPools } from './publication.ts';
import type { Source } from './source.ts';
import type { StatusReporter } from './status-reporter.ts';

export type FirstRoundOptions = {
  readonly publication: Publication;
  readonly source: Pick<Source, 'list'>;
  readonly pods: Pods;
  readonly reporter: Pick<StatusReporter, 'isSettled'>;
  readonly placement: Pick<Placement, 'complete'>;
  readonly listener: Pick<Listener, 'onPublished' | 'onReady'>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
};

/** The first look of a term at everything there is: when it is over, pods may take absence for removal. */
export type FirstRound = {
  /** `historyLost`: the log had to be made anew, and what pods serve is not in it yet. */
  begin(keys: readonly ResourceKey[], historyLost: boolean): void;
  readonly hasBegun: boolean;
  readonly historyLost: boolean;
  /** The resource was looked at, or will not be waited for. */
  settled(key: ResourceKey): void;
  readonly isPublished: boolean;
  /** Says that everything is published, once it is. */
  publishWhenDone(): Promise<void>;
  /** Says that everything published has arrived, once it has. */
  becomeReady(): void;
};

export function createFirstRound(options: FirstRoundOptions): FirstRound {
  const { publication, source, pods, reporter, placement, listener, now } = options;
  const { states, leader, writing, pools } = publication;
  /** Keys that were not looked at yet; `null` before the round begins. */
  let left: Set<string> | null = null;
  let historyLost = false;
  let published: 'no' | 'now' | 'yes' = 'no';
  let publishedAt = 0;
  let ready = false;

  async function publishWhenDone(): Promise<void> {
    if (published !== 'no' || left === null || left.size > 0) return;
    // A new log with a hole in the source would make pods drop what is only hidden.
    if (historyLost && !source.list().complete) return;
    published = 'now';
    try {
      publishedAt = (await publishPools(publication)) ?? 0;
    } catch (error) {
      published = 'no'; // the next tick tries again
      return unlessUnavailable(error);
    }
    published = 'yes';
    placement.complete();
    await keepHouse(states, leader, writing.subjects, now()).catch(unlessUnavailable);
    const { created } = leader;
    listener.onPublished({ created, historyLost, resources: states.all().length });
    becomeReady();
  }

  function becomeReady(): void {
    if (ready || published !== 'yes' || !reporter.isSettled(pools)) return;
    const hasArrived = (pool: string) =>
      pods.inPool(pool, now()).some(({ applied }) => applied >= publishedAt);
    if (!pools.every(hasArrived)) return;
    ready = true;
    listener.onReady();
  }

  return {
    begin(keys, isLost) {
      left = new Set(keys.map(formatKey));
      historyLost = isLost;
    },
    get hasBegun() {
      return left !== null;
    },
    get historyLost() {
      return historyLost;
    },
    settled: (key) => void left?.delete(formatKey(key)),
    get isPublished() {
      return published === 'yes';
    },
    publishWhenDone,
    becomeReady,
  };
}

/** The log is away, or full: for what can be said as well later. */
export function unlessUnavailable(error: unknown): void {
  if (!(error instanceof LogUnavailable || error instanceof LogFull)) throw error;
}
