import { allKinds, type ConfigOf, type Kind } from '../../contracts/kinds/all-kinds.ts';
import { formatKey, type ResourceKey } from '../../contracts/resource-key.ts';
import type { Leader, NewEntry } from '../../event-log/event-log.ts';
import { type Seal, SealBroken } from '../../event-log/seal.ts';
import type { Log } from '../../runtime/log.ts';
import { deciderOf } from '../kinds/all-kinds.ts';
import type { Considered } from '../kinds/decider.ts';
import { findCas, lookUpCaIn } from './ca-certificates.ts';
import { type Concerns, noReferences } from './concerns.ts';
import { consider } from './consider.ts';
import { configIn, envelope, eventEntries, leavingEntries, type Writing } from './entries.ts';
import { findExchange, type Incumbents, type Wish } from './exchange-ports.ts';
import { type Held, servingOf } from './held.ts';
import type { Listener } from './listener.ts';
import { claimsOf, type Place, placesWanted } from './port-table.ts';
import { referencesOf, servicesInForce } from './references.ts';
import { type FoundSecret, findSecrets, openSealed, sealSecret } from './secrets.ts';
import { endpointEntries, type FoundService, findServices, lookUpIn } from './services.ts';
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

/** What a pass would append, decided from what is known now. */
export type Plan = {
  readonly key: ResourceKey;
  readonly entries: readonly NewEntry[];
  /** Ports it takes. */
  readonly ports: readonly Place[];
  /** It rests on what others hold or leave, and has to be decided again once they have moved. */
  readonly alone: boolean;
};

const noEntries = { entries: [], ports: [], alone: false } as const;

/** One pass for any kind: look and decide. Changes nothing; recording it is for `append`. */
export async function plan<K extends Kind>(
  loop: Reconciler,
  key: ResourceKey & { readonly kind: K },
): Promise<Plan> {
  const { source, states, concerns } = loop;
  const held = states.get(key);
  const unknown = states.unknown(key);
  if (unknown !== null) {
    leaveAlone(loop, key, unknown);
    return { ...noEntries, key };
  }
  const observed = source.read(key);
  if (observed === null) return { ...noEntries, key, entries: await removeAbsent(loop, held) };
  concerns.waitsForSource(key, false);

  const pass = await look(loop, held, observed, states.incumbents);
  if (pass.considered !== null) states.looked(key, pass.considered.decided);
  const together = lacksPort(pass) ? await exchangePorts(loop, key) : null;
  concerns.lacksPort(key, lacksPort(pass) && together === null);
  const entries = together ?? (await entriesOf(loop, pass));
  return { key, entries, ports: portsOf(pass), alone: lacksPort(pass) };
}

function portsOf<K extends Kind>({ held, considered }: Pass<K>): readonly Place[] {
  if (considered?.outcome.accepted !== true) return [];
  return placesWanted(held.key, considered.outcome.config);
}

/** What is decided from. */
type Pass<K extends Kind> = {
  readonly held: Held<K>;
  readonly considered: Considered<K>;
  readonly secrets: readonly FoundSecret[];
  readonly services: readonly FoundService[];
};

async function look<K extends Kind>(
  loop: Reconciler,
  held: Held<K>,
  observed: NonNullable<Observed<K>>,
  incumbents: Incumbents,
): Promise<Pass<K>> {
  const { source, seal, concerns } = loop;
  const heldConfig = await heldVersion(loop, held, observed);
  const wanted = referencesOf(held, observed, heldConfig);
  const { services: wantedServices, cas: wantedCas } = wanted;
  concerns.refersTo(held.key, {
    secrets: [...wanted.secrets, ...wantedCas],
    services: wantedServices,
  });
  const [secrets, services, cas] = await Promise.all([
    findSecrets(source, seal, held.key.kind, wanted),
    findServices(source, held.key.kind, wantedServices),
    findCas(source, wantedCas, loop.writing.now()),
  ]);
  const considered = consider(held, observed, {
    source: source.id,
    sealingKeyId: seal.sealingKeyId(wanted.pool),
    secrets,
    serviceOf: lookUpIn(services),
    caOf: lookUpCaIn(cas),
    incumbents,
    refuseInPool: source.refuseInPool,
    held: heldConfig,
  });
  return { held, considered, secrets, services };
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
function leaveAlone({ listener, log }: Reconciler, key: ResourceKey, entry: Unreadable): void {
  const { subject, sequence, problem } = entry;
  const resource = formatKey(key);
  log.error('a resource is left alone: its last entry cannot be read', { resource, ...entry });
  listener.onProblem(
    `${subject} ${sequence}`,
    `cannot be read (${problem}), so ${resource} is left as it is; start the version of Headgate that wrote it, or make the log anew`,
  );
}

/** Gone from the source: removed if it was ours and the source could be read completely. Until then it is served. */
async function removeAbsent<K extends Kind>(
  loop: Reconciler,
  held: Held<K>,
): Promise<readonly NewEntry[]> {
  const { source, concerns } = loop;
  const isOurs = held.source === source.id || loop.adopt;
  const served = isOurs ? servicesInForce(held) : [];
  concerns.refersTo(held.key, { ...noReferences, services: served });
  if (held.state.status === 'absent' || !isOurs) return [];
  // First: should the source change its mind while it is asked, this key is looked at again.
  concerns.waitsForSource(held.key, true);
  const isGone =
    source.list().complete &&
    (await source.confirmAbsent(held.key)) &&
    source.read(held.key) === null;
  if (!isGone) {
    const services = await findServices(source, held.key.kind, served);
    return [
      ...(await secretEntries(loop, await secretsInForce(loop, held))),
      ...endpointEntries(loop, servingOf(held), held, services),
    ];
  }

  concerns.refersTo(held.key, noReferences);
  concerns.waitsForSource(held.key, false);
  concerns.lacksPort(held.key, false);
  return entriesOf(loop, { held, considered: null, secrets: [], services: [] });
}

/** What a pass adds to the log. */
async function entriesOf<K extends Kind>(
  loop: Reconciler,
  { held, considered, secrets, services }: Pass<K>,
): Promise<readonly NewEntry[]> {
  const events = deciderOf(held.key.kind).decide(held.state, considered);
  const entries = events.flatMap((event) => eventEntries(loop.writing, held, event));
  if (considered === null) return entries;
  const { outcome } = considered;
  const needed = outcome.accepted
    ? { pool: outcome.config.pool, secrets }
    : await secretsInForce(loop, held);
  const endpoints = endpointEntries(
    loop,
    outcome.accepted ? outcome.config : servingOf(held),
    held,
    services,
  );
  return [...(await secretEntries(loop, needed)), ...endpoints, ...entries];
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
  for (const reference of deciderOf(held.key.kind).secretsIn(config)) {
    const { namespace, name } = reference;
    const sealed = states.sealedSecret(pool, namespace, name);
    if (sealed === null || sealed.keyId === seal.sealingKeyId(pool)) continue;
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
export async function append(
  { leader, states }: Pick<Reconciler, 'leader' | 'states'>,
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
