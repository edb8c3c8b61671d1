import { randomUUID } from 'node:crypto';
import { canonicalJson } from '../../contracts/json.ts';
import type { ConfigOf, Kind, StateOf } from '../../contracts/kinds/all-kinds.ts';
import type { Decided } from '../../contracts/kinds/decided.ts';
import type { ResourceKey } from '../../contracts/resource-key.ts';
import { maxEntryBytes } from '../../event-log/event-log.ts';
import { deciderOf } from '../kinds/all-kinds.ts';
import type { Considered, Outcome, Refusal, Resolved } from '../kinds/decider.ts';
import type { Incumbents } from './exchange-ports.ts';
import { digestOf, type Held } from './held.ts';
import { claimsOf } from './port-table.ts';
import { describeConflict, findConflict } from './ports.ts';
import type { FoundSecret } from './secrets.ts';
import type { Observed } from './source.ts';

/** What a pass knows beside the resource itself. */
export type Surroundings<K extends Kind> = {
  readonly source: string;
  readonly sealingKeyId: string;
  /** The Secrets that its spec refers to, or the version it holds; in order. */
  readonly secrets: readonly FoundSecret[];
  readonly serviceOf: Resolved['serviceOf'];
  readonly caOf: Resolved['caOf'];
  readonly incumbents: Incumbents;
  /** Why a resource of this namespace may not be in a pool. */
  readonly refuseInPool: (pool: string, namespace: string) => Refusal | null;
  /** The version that `headgate.dev/hold-at` names; `null`: it is not kept any more. */
  readonly held: ConfigOf<K> | null;
};

/** The envelope and the fields of `Decided` around a configuration. */
const frameBytes = 4096;
const maxMessageLength = 8192;

/** Puts together what `decide` looks at: identity, outcome and the digest of everything it rests on. */
export function consider<K extends Kind>(
  { key, state }: Held<K>,
  observed: NonNullable<Observed<K>>,
  around: Surroundings<K>,
): Considered<K> {
  const outcome = shortened(outcomeOf(key, observed, around));
  const { uid, generation } = identityOf(state, observed);
  const { specDigest, cause } = observed;
  const inputs = digestOf({
    source: around.source,
    uid,
    specDigest,
    secrets: around.secrets.map(({ digest, refusal }) => digest ?? refusal.message),
    // A new key seals anew; who has no secrets is not touched by it.
    sealingKeyId: around.secrets.length === 0 ? null : around.sealingKeyId,
    hold: observed.valid ? observed.holdAt : null,
    // Holds the port verdict, and what a newer Headgate makes of the same spec.
    outcome: withoutPlaces(outcome),
  });
  return { decided: { uid, generation, specDigest, inputs, cause }, outcome };
}

/** A message is for people, and has to fit into an event and a condition. */
function shortened<K extends Kind>(outcome: Outcome<K>): Outcome<K> {
  if (outcome.accepted || outcome.message.length <= maxMessageLength) return outcome;
  const start = outcome.message.slice(0, maxMessageLength);
  const end = start.includes('\n') ? start.lastIndexOf('\n') : start.length;
  const lines = outcome.message.slice(end).split('\n').length - 1;
  const rest = lines > 0 ? `\n… and ${lines} more` : '…';
  return { ...outcome, message: `${start.slice(0, end)}${rest}` };
}

/** A cluster knows uid and generation; for a directory the log remembers the first and counts the second. */
function identityOf(
  state: StateOf<Kind>,
  observed: NonNullable<Observed<Kind>>,
): Pick<Decided, 'uid' | 'generation'> {
  const last = state.status === 'absent' ? null : state;
  const isNew = last?.specDigest !== observed.specDigest;
  const counted = last === null ? 1 : last.generation + (isNew ? 1 : 0);
  return {
    uid: observed.uid ?? last?.uid ?? randomUUID(),
    generation: observed.generation ?? counted,
  };
}

function outcomeOf<K extends Kind>(
  key: ResourceKey & { readonly kind: K },
  observed: NonNullable<Observed<K>>,
  { secrets, serviceOf, caOf, incumbents, refuseInPool, held }: Surroundings<K>,
): Outcome<K> {
  if (!observed.valid) {
    const lines = observed.problems.map(
      ({ file, line, field, message }) =>
        `${file === '' ? '' : `${file}:${line}:`}${field}: ${message}`,
    );
    return { accepted: false, reason: 'Invalid', message: lines.join('\n') };
  }
  const decider = deciderOf(key.kind);
  const now = {
    digests: secrets.map(({ digest }) => digest ?? 'unknown'),
    serviceOf,
    caOf,
    created: observed.createdAt ?? '',
  };
  const resolved =
    observed.holdAt === null
      ? decider.resolve(observed.spec, key, now)
      : holdOutcome(observed.holdAt, held === null ? null : decider.withReferences(held, now));
  if (!resolved.accepted) return resolved;
  const refusedPool = refuseInPool(resolved.config.pool, key.namespace);
  if (refusedPool !== null) return { accepted: false, ...refusedPool };
  for (const { refusal } of secrets) if (refusal !== null) return { accepted: false, ...refusal };

  const wanted = claimsOf(key, resolved.config);
  const conflict = findConflict(wanted, (port) => incumbents(resolved.config.pool, port));
  if (conflict !== null) {
    return { accepted: false, reason: 'PortConflict', message: describeConflict(conflict) };
  }
  return refuseIfTooLarge(resolved.config) ?? resolved;
}

/** Secrets are served as they are now: a rollback brings back no password that was changed since. */
function holdOutcome<K extends Kind>(sequence: number, held: Outcome<K> | null): Outcome<K> {
  if (held !== null) return held;
  const message = `headgate.dev/hold-at: the log keeps no version ${sequence} of this resource; take one that \`headgate events\` lists, or remove the annotation`;
  return { accepted: false, reason: 'VersionNotKept', message };
}

function refuseIfTooLarge(config: unknown): Outcome<never> | null {
  const bytes = Buffer.byteLength(canonicalJson(config)) + frameBytes;
  if (bytes <= maxEntryBytes) return null;
  const message = `the configuration is ${bytes} bytes, the limit is ${maxEntryBytes}: shorten its lists, or split it into several resources`;
  return { accepted: false, reason: 'TooLarge', message };
}

/** Lines move when something above them is edited; that alone is no news. */
function withoutPlaces<K extends Kind>(outcome: Outcome<K>): unknown {
  if (outcome.accepted) return outcome.config;
  if (outcome.reason !== 'Invalid') return outcome; // in `127.0.0.1:80: …` nothing is a line
  return { ...outcome, message: outcome.message.replaceAll(/^[^\n]*?:\d+:/gm, '') };
}
