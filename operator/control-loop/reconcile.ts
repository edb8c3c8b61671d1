import { allKinds, type ConfigOf, type Kind } from '../../contracts/kinds/all-kinds.ts';
import { formatKey, type ResourceKey } from '../../contracts/resource-key.ts';
import type { Leader, NewEntry } from '../../event-log/event-log.ts';
import { type Seal, SealBroken } from '../../event-log/seal.ts';
import type { Log } from '../../runtime/log.ts';
import { deciders } from '../kinds/all-kinds.ts';
import type { Considered, SecretReference } from '../kinds/decider.ts';
import type { Concerns } from './concerns.ts';
import { consider } from './consider.ts';
import { configIn, envelope, eventEntries, leavingEntries, type Writing } from './entries.ts';
import { findExchange, type Incumbents, type Wish } from './exchange-ports.ts';
import { type Held, servingOf } from './held.ts';
import { purgeAll } from './housekeeping.ts';
import type { Listener } from './listener.ts';
import { claimsOf } from './port-table.ts';
import { type FoundSecret, findSecrets, openSealed, sealSecret } from './secrets.ts';
import type { Observed, Source } from './source.ts';
import type { States, Unreadable } from './states.ts';

export type Reconciler = {
  readonly source: Source;
  readonly states: States;
  readonly concerns: Concerns;
  readonly leader: Leader;
  readonly seal: Seal;
  readonly writing: Writing;
  readonly listener: Listener;
  readonly log: Log;
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
  const unknown = states.unknown(key);
  if (unknown !== null) return leaveAlone(loop, key, unknown);
  const observed = source.read(key);
  if (observed === null) return removeAbsent(loop, held);
  concerns.waitsForSource(key, false);

  const pass = await look(loop, held, observed, states.incumbents);
  const together = lacksPort(pass) ? await exchangePorts(loop, key) : null;
  concerns.lacksPort(key, lacksPort(pass) && together === null);
  return append(loop, together ?? (await entriesOf(loop, pass)));
}

/** What is decided from. */
type Pass<K extends Kind> = {
  readonly held: Held<K>;
  readonly considered: Considered<K>;
  readonly secrets: readonly FoundSecret[];
};

async function look<K extends Kind>(
  loop: Reconciler,
  held: Held<K>,
  observed: NonNullable<Observed<K>>,
  incumbents: Incumbents,
): Promise<Pass<K>> {
  const { source, seal, concerns } = loop;
  const heldConfig = await heldVersion(loop, held, observed);
  const wanted = referencesOf(held.key, observed, heldConfig);
  concerns.refersTo(held.key, wanted.references);
  const secrets = await findSecrets(source, seal, held.key.kind, wanted);
  const considered = consider(held, observed, {
    source: source.id,
    sealingKeyId: seal.keyIds[0] ?? '',
    secrets,
    incumbents,
    held: heldConfig,
  });
  return { held, considered, secrets };
}

/** A version that is held needs what it names itself, and not what the spec names by now. */
function referencesOf<K extends Kind>(
  key: ResourceKey & { readonly kind: K },
  observed: NonNullable<Observed<K>>,
  heldConfig: ConfigOf<K> | null,
): { readonly pool: string; readonly references: readonly SecretReference[] } {
  const decider = deciders[key.kind];
  if (heldConfig !== null) {
    return { pool: heldConfig.pool, references: decider.secretsIn(heldConfig) };
  }
  if (!observed.valid || observed.holdAt !== null) return { pool: '', references: [] };
  return {
    pool: decider.poolOf(observed.spec),
    references: decider.secretsOf(observed.spec, key),
  };
}

function lacksPort({ considered }: Pass<Kind>): boolean {
  const outcome = considered?.outcome ?? null;
  return outcome !== null && !outcome.accepted && outcome.reason === 'PortConflict';
}

/**
 * Resources that want each other's ports: none could go first, so all go in one append. `null`:
 * somebody would have to give way who does not want to.
 */
async function exchangePorts(
  loop: Reconciler,
  key: ResourceKey,
): Promise<readonly NewEntry[] | null> {
  const { source, states } = loop;
  const found = await findExchange(key, (member) => wishOf(loop, member), states.incumbents);
  const entries: NewEntry[] = [];
  for (const [member, incumbents] of found ?? []) {
    const observed = source.read(member);
    if (observed === null) return null;
    const pass = await look(loop, states.get(member), observed, incumbents);
    if (pass.considered?.outcome.accepted !== true) return null;
    entries.push(...(await entriesOf(loop, pass)));
  }
  return found === null ? null : entries;
}

/** What the newest version would claim, if its ports were free. */
async function wishOf(loop: Reconciler, key: ResourceKey): Promise<Wish | null> {
  const observed = loop.source.read(key);
  if (observed === null) return null;
  const { considered } = await look(loop, loop.states.get(key), observed, () => []);
  if (considered?.outcome.accepted !== true) return null;
  const { config } = considered.outcome;
  return { pool: config.pool, claims: claimsOf(key, config) };
}

/** Publishing it again would make it another resource; pods keep what they have of it. */
function leaveAlone({ listener, log }: Reconciler, key: ResourceKey, entry: Unreadable): Appended {
  const { subject, sequence, problem } = entry;
  const resource = formatKey(key);
  log.error('a resource is left alone: its last entry cannot be read', { resource, ...entry });
  listener.onProblem(
    `${subject} ${sequence}`,
    `cannot be read (${problem}), so ${resource} is left as it is; start the version of Headgate that wrote it, or make the log anew`,
  );
  return [];
}

/** Gone from the source: removed if it was ours and the source could be read completely. */
async function removeAbsent<K extends Kind>(loop: Reconciler, held: Held<K>): Promise<Appended> {
  const { source, concerns, states, leader } = loop;
  concerns.refersTo(held.key, []);
  const isOurs = held.source === source.id || loop.adopt;
  if (held.state.status === 'absent' || !isOurs) return [];
  const { complete } = source.list();
  concerns.waitsForSource(held.key, !complete);
  if (!complete) return append(loop, await secretEntries(loop, await secretsInForce(loop, held)));

  concerns.lacksPort(held.key, false);
  const pass = { held, considered: null, secrets: [] };
  const appended = await append(loop, await entriesOf(loop, pass));
  await purgeAll(states, leader, states.staleStatusesOf(held.key));
  return appended;
}

/** What a pass adds to the log. */
async function entriesOf<K extends Kind>(
  loop: Reconciler,
  { held, considered, secrets }: Pass<K>,
): Promise<readonly NewEntry[]> {
  const events = deciders[held.key.kind].decide(held.state, considered);
  const entries = events.flatMap((event) => eventEntries(loop.writing, held, event));
  if (considered === null) return entries;
  const { outcome } = considered;
  const needed = outcome.accepted
    ? { pool: outcome.config.pool, secrets }
    : await secretsInForce(loop, held);
  return [...(await secretEntries(loop, needed)), ...entries];
}

/** Secrets of the version in force, for those who keep it: only the log still has them for certain. */
async function secretsInForce<K extends Kind>(
  { seal, states, leader, listener }: Reconciler,
  held: Held<K>,
): Promise<NeededSecrets> {
  const config = servingOf(held);
  if (config === null) return { pool: '', secrets: [] };
  const { pool } = config;
  const secrets: FoundSecret[] = [];
  for (const reference of deciders[held.key.kind].secretsIn(config)) {
    const { namespace, name } = reference;
    const sealed = states.sealedSecret(pool, namespace, name);
    if (sealed === null || sealed.keyId === seal.keyIds[0]) continue;
    try {
      secrets.push(await openSealed(seal, leader.logId, pool, reference, sealed));
    } catch (error) {
      if (!(error instanceof SealBroken)) throw error;
      const where = `Secret/${namespace}/${name} of ${formatKey(held.key)}`;
      listener.onProblem(where, `${error.message}: put that key back until this is mended`);
    }
  }
  return { pool, secrets };
}

type NeededSecrets = { readonly pool: string; readonly secrets: readonly FoundSecret[] };

async function secretEntries(
  loop: Reconciler,
  { pool, secrets }: NeededSecrets,
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

/** All or nothing; folded at once. */
async function append(
  { leader, states }: Reconciler,
  entries: readonly NewEntry[],
): Promise<Appended> {
  if (entries.length === 0) return [];
  const sequences = await leader.append(entries);
  return entries.map(({ subject, event }, index) => {
    const sequence = sequences[index] ?? 0;
    states.applyOwn({ sequence, subject, event });
    return { type: event.type, sequence };
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
