import type { SourceChange } from '../control-loop/source.ts';

/** Changes for one reader. A change that nobody has read yet is not queued twice. */
export type ChangeQueue = {
  push(change: SourceChange): void;
  /** Ends with the signal. */
  read(signal: AbortSignal): AsyncIterable<SourceChange>;
};

export function createChangeQueue(): ChangeQueue {
  const queued = new Map<string, SourceChange>();
  let wake = () => {};

  return {
    push(change) {
      queued.set(identityOf(change), change);
      wake();
    },

    async *read(signal) {
      const ended = () => wake();
      signal.addEventListener('abort', ended);
      try {
        while (!signal.aborted) {
          const [next] = queued;
          if (next === undefined) {
            const { promise, resolve } = Promise.withResolvers<void>();
            wake = resolve;
            await promise;
            continue;
          }
          const [identity, change] = next;
          queued.delete(identity);
          yield change;
        }
      } finally {
        signal.removeEventListener('abort', ended);
      }
    },
  };
}

function identityOf(change: SourceChange): string {
  switch (change.type) {
    case 'resource':
      return `${change.key.kind}/${change.key.namespace}/${change.key.name}`;
    case 'secret':
      return `Secret/${change.namespace}/${change.name}`;
    case 'service':
      return `Service/${change.namespace}/${change.name}`;
    case 'grants':
      return `ReferenceGrant/${change.namespace}`;
    case 'synced':
    case 'pools':
      return change.type;
    // One place, one word: of a problem that was solved before anyone read of it nobody need hear.
    case 'problem':
    case 'problemSolved':
      return `problem ${change.where}`;
  }
}
