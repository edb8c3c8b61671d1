import { createHash } from 'node:crypto';
import {
  type Acknowledgement,
  maxRefusals,
  type Refusal,
} from '../../contracts/acknowledgement.ts';
import { allKinds } from '../../contracts/kinds/all-kinds.ts';
import { logEventTypes } from '../../contracts/log-events.ts';
import type { Acknowledgements } from '../../event-log/acknowledgements.ts';
import type { Log } from '../../runtime/log.ts';

/** What is in force in this pod. */
export type InForce = {
  readonly logId: string;
  readonly applied: number;
  /** `resource` → sequence in force. */
  readonly table: ReadonlyMap<string, number>;
  readonly refusals: readonly Refusal[];
  readonly draining: boolean;
};

export type Acknowledger = Disposable & { report(inForce: InForce): void };

const shortestGapMs = 100;
const heartbeatMs = 3_000;

/** Tells at once, then at most every 100 ms, and every 3 s even when nothing happens. */
export function createAcknowledger(
  acknowledgements: Acknowledgements,
  identity: {
    readonly instance: string;
    readonly pool: string;
    readonly keyIds: readonly string[];
  },
  logger: Log,
): Acknowledger {
  let current: InForce | null = null;
  let lastSentMs = 0;
  let timer: NodeJS.Timeout | null = null;

  function send(): void {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    if (current === null) return;
    lastSentMs = Date.now();
    acknowledgements.send(acknowledgementOf(identity, current)).catch((error: unknown) => {
      logger.debug('acknowledgement not sent, the next heartbeat says it again', { error });
    });
  }

  const heartbeat = setInterval(send, heartbeatMs);
  return {
    report(inForce) {
      current = inForce;
      const waitMs = lastSentMs + shortestGapMs - Date.now();
      if (waitMs <= 0) send();
      else timer ??= setTimeout(send, waitMs);
    },
    [Symbol.dispose]() {
      clearInterval(heartbeat);
      if (timer !== null) clearTimeout(timer);
    },
  };
}

function acknowledgementOf(
  identity: {
    readonly instance: string;
    readonly pool: string;
    readonly keyIds: readonly string[];
  },
  { logId, applied, table, refusals, draining }: InForce,
): Acknowledgement {
  const digest = createHash('sha256');
  for (const row of [...table].sort()) digest.update(`${row[0]} ${row[1]}\n`);
  return {
    ...identity,
    logId,
    applied,
    digest: digest.digest('hex'),
    refusals: refusals.slice(0, maxRefusals),
    refusalCount: refusals.length,
    eventTypes,
    draining,
  };
}

const eventTypes: readonly string[] = [
  ...Object.values(logEventTypes),
  ...Object.values(allKinds).flatMap((kind) => Object.values(kind.eventTypes)),
];
