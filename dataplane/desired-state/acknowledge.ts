import {
  type Acknowledgement,
  maxRefusals,
  type Refusal,
} from '../../contracts/acknowledgement.ts';
import type { HealthReport } from '../../contracts/health-report.ts';
import { allKinds } from '../../contracts/kinds/all-kinds.ts';
import { logEventTypes } from '../../contracts/log-events.ts';
import type { Acknowledgements } from '../../event-log/acknowledgements.ts';
import type { Log } from '../../runtime/log.ts';
import { tableDigest } from './table-digest.ts';

/** What is in force in this pod. */
export type InForce = {
  readonly logId: string;
  readonly applied: number;
  /** `resource` → sequence in force. */
  readonly table: ReadonlyMap<string, number>;
  readonly refusals: readonly Refusal[];
  readonly draining: boolean;
  readonly health: HealthReport;
};

type Identity = {
  readonly instance: string;
  readonly pool: string;
  /** Of the sealing keys held: asked each time, they are rotated while a pod runs. */
  readonly seal: { readonly keyIds: readonly string[] };
};

export type Acknowledger = Disposable & { report(inForce: InForce): void };

const shortestGapMs = 100;
const heartbeatMs = 3_000;

/** Tells at once, then at most every 100 ms, and every 3 s even when nothing happens. */
export function createAcknowledger(
  acknowledgements: Pick<Acknowledgements, 'send'>,
  identity: Identity,
  logger: Log,
): Acknowledger {
  let current: InForce | null = null;
  let lastSentMs = 0;
  let timer: NodeJS.Timeout | null = null;

  function sendNews(): void {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    lastSentMs = Date.now();
    send();
  }

  /** A heartbeat is no news: what happens right after it is told at once. */
  function send(): void {
    if (current === null) return;
    acknowledgements.send(acknowledgementOf(identity, current)).catch((error: unknown) => {
      logger.debug('acknowledgement not sent, the next heartbeat says it again', { error });
    });
  }

  const heartbeat = setInterval(send, heartbeatMs);
  return {
    report(inForce) {
      current = inForce;
      const waitMs = lastSentMs + shortestGapMs - Date.now();
      if (waitMs <= 0) sendNews();
      else timer ??= setTimeout(sendNews, waitMs);
    },
    [Symbol.dispose]() {
      clearInterval(heartbeat);
      if (timer !== null) clearTimeout(timer);
    },
  };
}

function acknowledgementOf(
  identity: Identity,
  { logId, applied, table, refusals, draining, health }: InForce,
): Acknowledgement {
  const { instance, pool, seal } = identity;
  return {
    instance,
    pool,
    keyIds: seal.keyIds,
    logId,
    applied,
    digest: tableDigest(table),
    refusals: refusals.slice(0, maxRefusals),
    refusalCount: refusals.length,
    eventTypes,
    draining,
    health,
  };
}

const eventTypes: readonly string[] = [
  ...Object.values(logEventTypes),
  ...Object.values(allKinds).flatMap((kind) => Object.values(kind.eventTypes)),
];
