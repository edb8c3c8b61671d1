import type { Acknowledgement } from '../contracts/acknowledgement.ts';
import { type Acknowledgements, forgetAfterMs } from './acknowledgements.ts';
import { createFeed, type Feed } from './feed.ts';

/** For one process that is operator and data plane: what a pod says is heard at once. */
export function createLocalAcknowledgements(): Acknowledgements {
  const lastWords = new Map<string, { acknowledgement: Acknowledgement; heardAt: number }>();
  const watchers = new Set<Feed<Acknowledgement>>();

  async function* watch(signal: AbortSignal): AsyncGenerator<Acknowledgement> {
    const feed = createFeed<Acknowledgement>(signal);
    watchers.add(feed);
    const oldest = performance.now() - forgetAfterMs;
    for (const { acknowledgement, heardAt } of lastWords.values()) {
      if (heardAt >= oldest) feed.push(acknowledgement);
    }
    try {
      yield* feed;
    } finally {
      watchers.delete(feed);
    }
  }

  return {
    async send(acknowledgement) {
      const pod = `${acknowledgement.pool}/${acknowledgement.instance}`;
      lastWords.set(pod, { acknowledgement, heardAt: performance.now() });
      for (const watcher of watchers) watcher.push(acknowledgement);
    },
    watch,
  };
}
