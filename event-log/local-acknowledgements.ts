import type { Acknowledgement } from '../contracts/acknowledgement.ts';
import { type Acknowledgements, forgetAfterMs } from './acknowledgements.ts';
import { createFeed, type Feed } from './feed.ts';

/** For one process that is operator and data plane: what a pod says is heard at once. */
export function createLocalAcknowledgements(): Acknowledgements {
  const lastWords = new Map<string, { acknowledgement: Acknowledgement; heardAt: number }>();
  const watchers = new Set<Feed<Acknowledgement>>();

  function known(): readonly Acknowledgement[] {
    const oldest = performance.now() - forgetAfterMs;
    return [...lastWords.values()]
      .filter(({ heardAt }) => heardAt >= oldest)
      .map(({ acknowledgement }) => acknowledgement);
  }

  async function* watch(signal: AbortSignal): AsyncGenerator<Acknowledgement> {
    const feed = createFeed<Acknowledgement>(signal);
    watchers.add(feed);
    for (const acknowledgement of known()) feed.push(acknowledgement);
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
    latest: async () => known(),
  };
}
