import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Subjects } from '../contracts/subjects.ts';
import type { Acknowledgements } from '../event-log/acknowledgements.ts';
import type { EventLog } from '../event-log/event-log.ts';
import type { Seal } from '../event-log/seal.ts';
import type { Log } from '../runtime/log.ts';
import { runControlLoop } from './control-loop/control-loop.ts';
import { type Listener, silentListener } from './control-loop/listener.ts';
import { noPlacement, type Placement } from './control-loop/placement.ts';
import type { PodExists } from './control-loop/pods.ts';
import type { Source } from './control-loop/source.ts';
import { meterEventLog } from './metered-event-log.ts';
import { meterListener } from './metered-listener.ts';
import { type OperatorMetrics, silentOperatorMetrics } from './metrics.ts';

export type OperatorOptions = {
  readonly source: Source;
  readonly eventLog: EventLog;
  readonly acknowledgements: Acknowledgements;
  readonly seal: Seal;
  readonly subjects: Subjects;
  /** Pools whose pods are told when everything is published, even while no resource is in them. */
  readonly pools: readonly string[];
  readonly log: Log;
  readonly listener?: Partial<Listener>;
  readonly metrics?: OperatorMetrics;
  readonly placement?: Placement;
  readonly podExists?: PodExists;
  /** Take over what another source published in this log. */
  readonly adopt?: boolean;
  /** The highest sequence known from before. */
  readonly knownSequence?: number;
  /** Milliseconds since the epoch; monotonic. */
  readonly now?: () => number;
};

export type Operator = AsyncDisposable & {
  /** Rejects when the operator cannot go on: `NoLongerLeader`, `LogInUse`, a bug. Resolves when it was stopped. */
  readonly ended: Promise<void>;
};

/** Starts observing, deciding, recording and reporting, until it is disposed of. */
export function startOperator(options: OperatorOptions): Operator {
  const { source, seal, subjects, pools, log, listener } = options;
  const { adopt = false, knownSequence = 0, now = monotonicNow } = options;
  const { metrics = silentOperatorMetrics } = options;
  const { placement = noPlacement, podExists = () => null } = options;
  const controller = new AbortController();
  const ended = runControlLoop(
    {
      ...meterEventLog(options, subjects, metrics),
      source,
      seal,
      pools,
      log,
      placement,
      podExists,
      metrics,
      adopt,
      knownSequence,
      holder: `${hostname()}/${process.pid}/${randomUUID()}`,
      writing: { subjects, sourceId: source.id, now },
      listener: meterListener({ ...silentListener, ...listener }, metrics, now),
    },
    controller,
  ).finally(() => metrics.leads(null));
  ended.catch(() => undefined); // whoever awaits `ended` hears of it; nobody has to
  return {
    ended,
    async [Symbol.asyncDispose]() {
      controller.abort();
      await ended.catch(() => undefined);
    },
  };
}

/** A clock that never goes back: durations and silence are measured with it. */
function monotonicNow(): number {
  return performance.timeOrigin + performance.now();
}
