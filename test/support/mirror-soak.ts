import {
  type CopyCounts,
  comparedCounts,
  copyCounts,
  nothingHeld,
  untilCounted,
  untilGauges,
} from './copy-counts.ts';
import { untilMetric } from './metrics.ts';
import { mirrorTo, ruleTo, startRoutes } from './mirror-route.ts';
import { nobody, silent } from './mirror-targets.ts';
import { startTcpOrigin } from './origin.ts';
import { descriptorsOf, heapOf, untilDescriptors, weighing } from './process-state.ts';
import { startAsking } from './route-load.ts';
import { answerText } from './route-request.ts';
import { answering, startScriptedOrigin } from './scripted-origin.ts';
import type { Scope } from './teardowns.ts';

const resource = 'test/soak';

/** One Headgate and a route with mirrors of every kind, to be asked very often. */
export type Soak = {
  /** Answered 200 so far. */
  readonly asked: number;
  /** Asks so many times, waits until all that came of it is over, and says what is left. */
  churn(count: number): Promise<Left>;
  /** Waits until no more descriptors are open than that. */
  untilDescriptors(atMost: number): Promise<void>;
  copies(): Promise<CopyCounts>;
  /** What came of comparing answers, by result. */
  compared(): Promise<Readonly<Record<string, number>>>;
};

export type Left = { readonly heap: number; readonly descriptors: number };

const json = (text: string) => answerText(text, ['Content-Type: application/json']);

/** One answers, and is compared; one is not there, one breaks off, one hangs. */
async function startMirrors(scope: Scope): Promise<readonly object[]> {
  const [good, broken, hung] = await Promise.all([
    startScriptedOrigin(scope, answering(json('{"a":1,"at":2}'))),
    startTcpOrigin(scope, (socket) => void socket.once('data', () => socket.resetAndDestroy())),
    startTcpOrigin(scope, silent),
  ]);
  const circuitBreaker = { consecutiveFailures: 0 };
  return [
    mirrorTo(good, { name: 'good', compare: { mode: 'Body', ignoreJSONPointers: ['/at'] } }),
    mirrorTo(nobody, { name: 'gone' }),
    mirrorTo(broken, { name: 'broken', percent: 10, circuitBreaker }),
    mirrorTo(hung, {
      ...{ name: 'hung', circuitBreaker },
      limits: { concurrent: 8, queue: 8 },
      timeouts: { request: '1s' },
    }),
  ];
}

export async function startSoak(scope: Scope): Promise<Soak> {
  const backend = await startScriptedOrigin(scope, answering(json('{"at":1,"a":1}')));
  const mirrors = await startMirrors(scope);
  const { up, portOf } = await startRoutes(
    scope,
    { soak: { accessLog: { enabled: false }, rules: [ruleTo(backend, { mirrors })] } },
    { preload: weighing },
  );
  let asked = 0;
  return {
    get asked() {
      return asked;
    },
    async churn(count) {
      const load = await startAsking(scope, portOf.soak, 16);
      await load.more(count);
      await load.stop();
      if (load.failures.length > 0) throw new Error(load.failures.join(', '));
      asked += load.done;
      await untilCounted(up, { resource }, asked * mirrors.length);
      await untilGauges(up, { resource }, { ...nothingHeld, breakerOpen: 1 }); // of the one that is not there
      await untilMetric(up, `headgate_mirror_route_connections{resource="${resource}"}`, 0);
      const labels = `{resource="${resource}",type="plain",code="200",rule="rule-1"}`;
      await untilMetric(up, `headgate_mirror_route_requests_total${labels}`, asked);
      return { heap: await heapOf(up), descriptors: await descriptorsOf(up) };
    },
    untilDescriptors: (atMost) => untilDescriptors(up, atMost),
    copies: () => copyCounts(up, { resource }),
    compared: () => comparedCounts(up, { resource }),
  };
}
