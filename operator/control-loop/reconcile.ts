import {
  allKinds,
  type ConfigOf,
  type EventOf,
  type Kind,
} from '../../contracts/kinds/all-kinds.ts';
import type { ResourceKey } from '../../contracts/resource-key.ts';
import type { Leader, NewEntry } from '../../event-log/event-log.ts';
import type { Seal } from '../../event-log/seal.ts';
import { deciders } from '../kinds/all-kinds.ts';
import type { Considered } from '../kinds/decider.ts';
import type { Concerns } from './concerns.ts';
import { claimsOf, consider } from './consider.ts';
import { configIn, envelope, eventEntries, leavingEntries, type Writing } from './entries.ts';
import { type Held, servingOf } from './held.ts';
import type { PortClaim } from './ports.ts';
import { type FoundSecret, findSecrets, sealSecret } from './secrets.ts';
import type { Observed, Source } from './source.ts';
import type { States } from './states.ts';

export type Reconciler = {
  readonly source: Source;
  readonly states: States;
  readonly concerns: Concerns;
  readonly leader: Leader;
  readonly seal: Seal;
  readonly writing: Writing;
  /** Take over what another source published. */
  readonly adopt: boolean;
  /** A configuration that was in force at a sequence, if the log still has it. */
  readonly versionAt: (subject: string, sequence: number) => Promise<unknown>;
};

/** What a pass appended, in the order of the log; often nothing. */
export type Appended = ReadonlyArray<{ readonly type: string; readonly sequence: number }>;

/** One pass for any kind: look, decide, record. Safe to repeat. */
export async function reconcile<K extends Kind>(
  loop: Reconciler,
  key: ResourceKey & { readonly kind: K },
): Promise<Appended> {
  const { source, states, concerns } = loop;
  const held = states.get(key);
  const observed = source.read(key);
  concerns.refersTo(key, observed?.valid ? deciders[key.kind].secretsOf(observed.spec, key) : []);
  if (observed === null) return removeAbsent(loop, held);
  concerns.waitsForSource(key, false);

  const secrets = observed.valid ? await findSecrets(source, loop.seal, key, observed.spec) : [];
  const considered = consider(held, observed, {
    source: source.id,
    sealingKeyId: loop.seal.keyIds[0] ?? '',
    secrets,
    incumbents: (pool) => incumbentsOf(states, pool),
    held: await heldVersion(loop, held, observed),
  });
  const outcome = considered?.outcome ?? null;
  const lacksPort = outcome !== null && !outcome.accepted && outcome.reason === 'PortConflict';
  concerns.lacksPort(key, lacksPort);
  const events = deciders[key.kind].decide(held.state, considered);
  return record(loop, held, considered, events, secrets);
}

/** Gone from the source: removed if it was ours and the source could be read completely. */
async function removeAbsent<K extends Kind>(loop: Reconciler, held: Held<K>): Promise<Appended> {
  const { source, concerns } = loop;
  const isOurs = held.source === source.id || loop.adopt;
  if (held.state.status === 'absent' || !isOurs) return [];
  const { complete } = source.list();
  concerns.waitsForSource(held.key, !complete);
  if (!complete) return [];

  concerns.lacksPort(held.key, false);
  const events = deciders[held.key.kind].decide(held.state, null);
  const appended = await record(loop, held, null, events, []);
  const { reported } = loop.states.get(held.key);
  if (reported !== null) {
    await loop.leader.purge(
      loop.writing.subjects.status(reported.data.pool, held.key),
      reported.sequence,
    );
  }
  return appended;
}

/** Appends what was decided, all or nothing, and folds it at once. */
async function record<K extends Kind>(
  loop: Reconciler,
  held: Held<K>,
  considered: Considered<K>,
  events: readonly EventOf<K>[],
  secrets: readonly FoundSecret[],
): Promise<Appended> {
  if (events.length === 0) return [];
  const entries = [
    ...(considered?.outcome.accepted
      ? await secretEntries(loop, considered.outcome.config, secrets)
      : []),
    ...events.flatMap((event) => eventEntries(loop.writing, held, event)),
  ];
  return append(loop, entries);
}

async function secretEntries(
  loop: Reconciler,
  { pool }: ConfigOf<Kind>,
  secrets: readonly FoundSecret[],
): Promise<readonly NewEntry[]> {
  const { seal, states, writing, leader } = loop;
  const context = { seal, states, subjects: writing.subjects, logId: leader.logId };
  const sealed = await Promise.all(secrets.map((secret) => sealSecret(context, pool, secret)));
  return sealed.flatMap((entry) => {
    if (entry === null) return [];
    const { namespace, name } = entry.data;
    const event = envelope(writing, entry.type, `Secret/${namespace}/${name}`, entry.data);
    return [{ subject: entry.subject, event, lastOnly: true }];
  });
}

/** Ends a move between pools, once the new pool serves it. */
export async function leavePools(loop: Reconciler, held: Held): Promise<void> {
  if (held.leftBehind.length > 0) await append(loop, leavingEntries(loop.writing, held));
}

async function append(
  { leader, states }: Reconciler,
  entries: readonly NewEntry[],
): Promise<Appended> {
  const sequences = await leader.append(entries);
  return entries.map(({ subject, event }, index) => {
    const sequence = sequences[index] ?? 0;
    states.applyOwn({ sequence, subject, event });
    return { type: event.type, sequence };
  });
}

function incumbentsOf(states: States, pool: string): readonly PortClaim[] {
  return states.all().flatMap((held) => {
    const serving = servingOf(held);
    return serving !== null && serving.pool === pool ? claimsOf(held.key, serving) : [];
  });
}

async function heldVersion<K extends Kind>(
  { versionAt }: Reconciler,
  { key, inForce }: Held<K>,
  observed: Observed<K>,
): Promise<ConfigOf<K> | null> {
  if (!observed?.valid || observed.holdAt === null || inForce === null) return null;
  const event = await versionAt(inForce.subject, observed.holdAt);
  return allKinds[key.kind].isEvent(event) ? configIn(key.kind, event) : null;
}
