import { megabyte } from '../support/bulk.ts';
import { type Left, startSoak } from '../support/mirror-soak.ts';
import { inScope, say } from './measure.ts';
import { table } from './page.ts';

/** Whichever is reached first. */
export type Length = { readonly requests: number; readonly minutes: number };

type Stage = Left & { readonly asked: number; readonly seconds: number };

const warmUpRequests = 5000;
const requestsAtOnce = 50_000;
/** Ten bytes a request that stay, of a million, are more. */
const maxGrowth = 8 * megabyte;
/** Connections that are kept come and go; one that leaks in ten thousand requests is more, of a million. */
const maxDescriptors = 50;

/** A MirrorRoute with mirrors that answer, fail and hang, asked very often: what is left after each part of it. */
export async function benchSoak(length: Length): Promise<string> {
  return await inScope(async (scope) => {
    const soak = await startSoak(scope);
    const stages: Stage[] = [];
    const startedMs = performance.now();

    async function ask(count: number): Promise<void> {
      const left = await soak.churn(count);
      const seconds = (performance.now() - startedMs) / 1000;
      stages.push({ ...left, asked: soak.asked, seconds });
      say(`${soak.asked} requests in ${seconds.toFixed(0)} s …`);
    }

    await ask(Math.min(warmUpRequests, length.requests)); // code is compiled, pools are filled
    while (
      soak.asked < length.requests &&
      performance.now() - startedMs < length.minutes * 60_000
    ) {
      await ask(Math.min(requestsAtOnce, length.requests - soak.asked));
    }
    checkFlat(stages);
    return report(stages, { ...(await soak.copies()), compared: await soak.compared() });
  });
}

function checkFlat(stages: readonly Stage[]): void {
  const last = stages.at(-1);
  if (last === undefined) return;
  const growth = last.heap - Math.min(...stages.map(({ heap }) => heap));
  const more = last.descriptors - Math.min(...stages.map(({ descriptors }) => descriptors));
  if (growth < maxGrowth && more <= maxDescriptors) return;
  throw new Error(`the heap grew by ${growth} bytes, and ${more} more descriptors are open`);
}

function report(stages: readonly Stage[], counts: object): string {
  const rows = stages.map(({ asked, seconds, heap, descriptors }) => [
    ...[String(asked), seconds.toFixed(0)],
    ...[(heap / megabyte).toFixed(1), String(descriptors)],
  ]);
  const head = ['requests so far', 'seconds', 'heap MB after collection', 'descriptors'];
  return `${table([], head, rows).join('\n')}\n\n${JSON.stringify(counts, null, 2)}\n`;
}
