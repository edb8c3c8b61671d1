import { isEndpointsObserved, isSecretSealed } from '../../contracts/log-events.ts';
import type { ResourceKey } from '../../contracts/resource-key.ts';
import {
  maxEntriesPerAppend,
  maxEntryBytes,
  type NewEntry,
  NoLongerLeader,
} from '../../event-log/event-log.ts';
import type { OperatorMetrics } from '../metrics.ts';
import type { Place } from './port-table.ts';
import { canShare, type PortClaim } from './ports.ts';
import { type Appended, append, type Plan, plan, type Reconciler } from './reconcile.ts';
import type { WorkQueue } from './work-queue.ts';

export type PassesOptions = {
  readonly loop: Reconciler;
  readonly queue: WorkQueue<ResourceKey>;
  readonly metrics: OperatorMetrics;
  /** A pass was recorded, or had nothing to record. */
  readonly settle: (key: ResourceKey, appended: Appended) => Promise<void>;
  /** A pass could not be made, or not be recorded. Throws what ends the term. */
  readonly putOff: (key: ResourceKey, error: unknown) => void;
  /** After each round. */
  readonly afterRound: () => Promise<void>;
};

/** What one append may hold, of entries whose size is only known roughly. */
const maxAppendBytes = 8 * maxEntryBytes;

/**
 * Looks at all keys that are ready, and records what they come to in as few appends as possible: a
 * thousand new resources are a handful of writes. Whatever rests on what another of them does (a
 * port that changes hands) is decided again by itself afterwards.
 */
export async function runPasses(options: PassesOptions, signal: AbortSignal): Promise<void> {
  for await (const keys of options.queue) {
    const beganMs = performance.now();
    const planning = Promise.all(keys.map((key) => planOne(options, key, signal)));
    // A source that does not answer must not hold up the end: it was only looked at.
    const plans = await unlessAborted(planning, signal);
    if (plans === null || signal.aborted) return;
    const { together, later } = divide(plans.filter((each) => each !== null));
    for (const batch of batches(together)) await record(options, batch, signal);
    for (const { key } of later) await passAlone(options, key, signal);
    if (signal.aborted) return;
    const eachMs = (performance.now() - beganMs) / keys.length;
    for (const { kind } of keys) options.metrics.reconciled(kind, eachMs);
    await options.afterRound();
  }
}

async function passAlone(
  options: PassesOptions,
  key: ResourceKey,
  signal: AbortSignal,
): Promise<void> {
  const planned = await unlessAborted(planOne(options, key, signal), signal);
  if (planned !== null && !signal.aborted) await record(options, [planned], signal);
}

/** `null`: it failed, and is put off. */
async function planOne(
  { loop, putOff }: PassesOptions,
  key: ResourceKey,
  signal: AbortSignal,
): Promise<Plan | null> {
  try {
    return await plan(loop, key);
  } catch (error) {
    if (!signal.aborted) putOff(key, error);
    return null;
  }
}

async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | null> {
  const { promise, resolve } = Promise.withResolvers<null>();
  const giveUp = () => resolve(null);
  signal.addEventListener('abort', giveUp, { once: true });
  if (signal.aborted) giveUp();
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}

/** Nobody may take what another takes in the same append, or count on what another leaves. */
function divide(plans: readonly Plan[]): {
  readonly together: readonly Plan[];
  readonly later: readonly Plan[];
} {
  const taken = new Map<string, PortClaim>();
  const canHave = ({ place, claim }: Place) => {
    const other = taken.get(place);
    return other === undefined || canShare(claim, other);
  };
  const together: Plan[] = [];
  const later: Plan[] = [];
  for (const each of plans) {
    const canJoin = !each.alone && each.ports.every(canHave);
    (canJoin ? together : later).push(each);
    if (canJoin) for (const { place, claim } of each.ports) taken.set(place, claim);
  }
  return { together, later };
}

function* batches(plans: readonly Plan[]): Generator<readonly Plan[]> {
  let batch: Plan[] = [];
  let entries = 0;
  let bytes = 0;
  for (const each of plans) {
    const size = each.entries.reduce(
      (sum, { event }) => sum + JSON.stringify(event.data).length,
      0,
    );
    const isFull =
      entries + each.entries.length > maxEntriesPerAppend || bytes + size > maxAppendBytes;
    if (batch.length > 0 && isFull) {
      yield batch;
      batch = [];
      entries = 0;
      bytes = 0;
    }
    batch.push(each);
    entries += each.entries.length;
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}

/** All or nothing; what fails together is tried one by one, so that nobody suffers for another. */
async function record(
  options: PassesOptions,
  plans: readonly Plan[],
  signal: AbortSignal,
): Promise<void> {
  const [first] = plans;
  if (first === undefined) return;
  let recorded: ReadonlyMap<Plan, Appended>;
  try {
    recorded = await appendAll(options.loop, plans);
  } catch (error) {
    if (signal.aborted) return;
    if (plans.length === 1 || error instanceof NoLongerLeader) options.putOff(first.key, error);
    else for (const { key } of plans) await passAlone(options, key, signal);
    return;
  }
  await settleAll(options, recorded, signal);
}

async function settleAll(
  { queue, settle, putOff }: PassesOptions,
  recorded: ReadonlyMap<Plan, Appended>,
  signal: AbortSignal,
): Promise<void> {
  for (const [{ key }, appended] of recorded) {
    queue.succeeded(key);
    try {
      await settle(key, appended);
    } catch (error) {
      if (signal.aborted) return;
      putOff(key, error);
    }
  }
}

/** What several resources may want told at once; `null`: it is of one resource. */
function sharedContent(data: unknown): string | null {
  if (isSecretSealed(data)) return data.digest;
  return isEndpointsObserved(data) ? JSON.stringify(data.ports) : null;
}

async function appendAll(
  loop: Reconciler,
  plans: readonly Plan[],
): Promise<ReadonlyMap<Plan, Appended>> {
  const told = new Set<string>();
  const isFirst = ({ subject, event: { data } }: NewEntry) => {
    const content = sharedContent(data);
    if (content === null) return true;
    const entry = `${subject} ${content}`;
    return !told.has(entry) && told.add(entry);
  };
  const shares = plans.map((each) => ({ plan: each, entries: each.entries.filter(isFirst) }));
  const appended = await append(
    loop,
    shares.flatMap(({ entries }) => entries),
  );
  let next = 0;
  return new Map(
    shares.map(({ plan: each, entries }) => {
      const first = next;
      next += entries.length;
      return [each, appended.slice(first, next)];
    }),
  );
}
