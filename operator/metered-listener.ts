import { formatKey } from '../contracts/resource-key.ts';
import type { StatusReported } from '../contracts/status.ts';
import type { Listener } from './control-loop/listener.ts';
import type { OperatorMetrics } from './metrics.ts';

/** The same listener; what it hears of resources is counted. */
export function meterListener(
  listener: Listener,
  metrics: OperatorMetrics,
  now: () => number,
): Listener {
  const beganAtMs = now();
  /** Resource → the version whose propagation was counted. */
  const counted = new Map<string, number>();

  function countPropagation({ status, ...key }: StatusReported): void {
    const { propagation, configVersion } = status;
    if (propagation?.state !== 'Complete' || configVersion === null) return;
    // Its pods may have taken long because nobody was there to listen: that is not measured.
    const isOurs = Date.parse(propagation.completedAt ?? '') >= Math.floor(beganAtMs);
    const id = formatKey(key);
    if (!isOurs || propagation.max === null || counted.get(id) === configVersion) return;
    counted.set(id, configVersion);
    metrics.propagated(key.kind, propagation.max);
  }

  return {
    ...listener,
    onStatus(report) {
      metrics.reported(report);
      countPropagation(report);
      listener.onStatus(report);
    },
    onRemoved(key) {
      metrics.removed(key);
      counted.delete(formatKey(key));
      listener.onRemoved(key);
    },
    onPublished(published) {
      if (published.historyLost) metrics.historyLost();
      listener.onPublished(published);
    },
  };
}
