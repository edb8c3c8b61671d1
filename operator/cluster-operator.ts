import { createSubjects } from '../contracts/subjects.ts';
import { NoLongerLeader } from '../event-log/event-log.ts';
import type { Log } from '../runtime/log.ts';
import type { KubernetesApi } from './kubernetes/api.ts';
import { pause } from './kubernetes/backoff.ts';
import { openKubernetesSource } from './kubernetes/kubernetes-source.ts';
import { createLeadership, leaseTiming, type Tenure } from './kubernetes/leadership.ts';
import { leadTerm } from './lead-term.ts';
import type { OperatorMetrics } from './metrics.ts';
import { createValidator } from './schema/validator.ts';
import type { OperatorSettings } from './settings.ts';
import { createStandDown } from './stand-down.ts';

type Options = {
  readonly settings: OperatorSettings;
  readonly api: KubernetesApi;
  readonly metrics: OperatorMetrics;
  readonly log: Log;
  readonly signal: AbortSignal;
};

/** `starting`: it does not know the cluster yet, or it has the lease but not the log. */
export type OperatorState = 'starting' | 'standby' | 'leading';

export type ClusterOperator = {
  readonly state: OperatorState;
  /** Resolves some time after `signal` aborted; rejects when it cannot go on. */
  readonly ended: Promise<void>;
};

/** A term that does not end within this never will: the process must not stay half alive. */
const endWithinMs = 20_000;

/** An operator of a cluster: stands by with everything listed, and leads whenever it has the lease. */
export function runClusterOperator(options: Options): ClusterOperator {
  const { settings, api, metrics, log, signal } = options;
  const { namespace, identity } = settings;
  let state: OperatorState = 'starting';
  let tenure: Tenure | null = null;
  let refreshPools: (() => void) | null = null;
  const mayWrite = () => tenure?.held() ?? false;

  async function run(): Promise<void> {
    await using source = await openKubernetesSource({
      ...{ api, namespace, mayWrite, log, signal, meters: metrics },
      validator: createValidator(),
      onPools: () => refreshPools?.(),
    });
    await source.synced;
    log.info('everything is listed', { resources: source.list().keys.length });
    const leadership = createLeadership({
      ...{ api, namespace, identity, log },
      timing: leaseTiming(settings.leaseSeconds),
    });
    const context = {
      ...{ settings, api, source, mayWrite, metrics, log },
      subjects: createSubjects(settings.logName),
      onPlacement(refresh: (() => void) | null) {
        refreshPools = refresh;
      },
      onLeading() {
        state = 'leading';
      },
    };
    const standDown = createStandDown();
    while (!signal.aborted) {
      state = 'standby';
      tenure = await leadership.acquire(signal);
      state = 'starting';
      log.info('has the lease', { identity });
      const beganAtMs = performance.now();
      const leading = leadTerm(context, AbortSignal.any([signal, tenure.lost]));
      const contested = await endOf(leading, tenure).finally(() => tenure?.release());
      const pauseMs = standDown.pauseMs(contested, performance.now() - beganAtMs);
      log.info('leads no longer', { pauseMs });
      state = 'standby';
      await pause(pauseMs, signal);
    }
  }

  /**
   * A bug must end the process, and frees the lease; that somebody else leads is ordinary life.
   * Answers whether the log had another leader though the lease was ours.
   */
  async function endOf(leading: Promise<void>, { lost }: Tenure): Promise<boolean> {
    const over = AbortSignal.any([signal, lost]);
    try {
      await withinDeadline(leading, over);
      return false;
    } catch (error) {
      if (error instanceof TermStuck) throw error;
      if (!over.aborted && !(error instanceof NoLongerLeader)) throw error;
      if (over.aborted) log.debug('the term ended', { error });
      else log.warn('the log has another leader', { error });
      return !over.aborted;
    }
  }

  const ended = run().catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
  return {
    get state() {
      return state;
    },
    ended,
  };
}

class TermStuck extends Error {
  override readonly name = 'TermStuck';
}

/** Throws {@link TermStuck} if `leading` goes on long after it is over. */
async function withinDeadline(leading: Promise<void>, over: AbortSignal): Promise<void> {
  const late = Promise.withResolvers<never>();
  let timer: NodeJS.Timeout | undefined;
  const arm = () => {
    const message = `what a leader does has not ended ${endWithinMs / 1000} s after it was told to`;
    timer = setTimeout(() => late.reject(new TermStuck(message)), endWithinMs);
  };
  over.addEventListener('abort', arm, { once: true });
  if (over.aborted) arm();
  try {
    await Promise.race([leading, late.promise]);
  } finally {
    clearTimeout(timer);
    over.removeEventListener('abort', arm);
  }
}
