import { allKinds, type ConfigOf, type Kind } from '../../contracts/kinds/all-kinds.ts';
import {
  isPoolPublished,
  isSecretSealed,
  logEventTypes,
  type SecretSealed,
} from '../../contracts/log-events.ts';
import { parseKey, type ResourceKey } from '../../contracts/resource-key.ts';

/** What the log says this pool should serve, as far as it was read. Immutable. */
export type DesiredState = {
  readonly logId: string;
  /** The last event folded in. */
  readonly sequence: number;
  /** Whether everything wanted has been published in this log: until then absence proves nothing. */
  readonly published: boolean;
  /** By config subject. */
  readonly resources: ReadonlyMap<string, DesiredResource>;
  /** By `namespace/name`. */
  readonly secrets: ReadonlyMap<string, DesiredSecret>;
  /** Subjects whose last entry cannot be read: what stands there is unknown, not absent. */
  readonly unreadable: ReadonlySet<string>;
};

export type DesiredResource = {
  readonly key: ResourceKey;
  readonly uid: string;
  readonly generation: number;
  /** Sequence of the event, in the log of `logId`. */
  readonly sequence: number;
  readonly logId: string;
  readonly content: DesiredContent;
};

export type DesiredContent =
  | { readonly servable: true; readonly config: ConfigOf<Kind> }
  /** This pod does not know, or cannot trust, what it reads: it keeps what it has. */
  | {
      readonly servable: false;
      readonly reason: 'UnsupportedField' | 'Invalid';
      readonly message: string;
    };

export type DesiredSecret = SecretSealed & { readonly subject: string; readonly logId: string };

/** One entry of the log, as `follow` hands it over. */
export type ConfigEntry = {
  readonly subject: string;
  readonly sequence: number;
  readonly event: { readonly type: string; readonly subject: string; readonly data: unknown };
};

/** An entry that was skipped because it is no event. */
export type MalformedEntry = {
  readonly subject: string;
  readonly sequence: number;
  readonly problem: string;
};

export const nothingDesired: DesiredState = {
  logId: '',
  sequence: 0,
  published: false,
  resources: new Map(),
  secrets: new Map(),
  unreadable: new Set(),
};

/** A complete snapshot: what it lacks is gone, but only if it says it is complete for its log. */
export function withSnapshot(
  state: DesiredState,
  logId: string,
  sequence: number,
  entries: readonly ConfigEntry[],
): DesiredState {
  const published = entries.some((entry) => isPublished(entry, logId));
  // Folded over what was known: a version this pod must refuse belongs to the resource it has.
  const folded = entries.reduce(
    (next, entry) => (isPublished(entry, logId) ? next : withEntry(next, logId, entry)),
    { ...state, logId, published },
  );
  const complete = { ...folded, sequence };
  return published ? onlyListed(complete, entries) : complete;
}

/** Without what a snapshot that says it is complete does not list. */
function onlyListed(state: DesiredState, entries: readonly ConfigEntry[]): DesiredState {
  const listed = new Set(entries.map(({ subject }) => subject));
  const kept = (subject: string) => listed.has(subject) || state.unreadable.has(subject);
  const resources = [...state.resources].filter(([subject]) => kept(subject));
  const secrets = [...state.secrets].filter(([, { subject }]) => kept(subject));
  return { ...state, resources: new Map(resources), secrets: new Map(secrets) };
}

export function withEntry(state: DesiredState, logId: string, entry: ConfigEntry): DesiredState {
  const next = { ...readable(state, entry.subject), sequence: entry.sequence };
  if (isPublished(entry, logId)) return sweep({ ...next, published: true }, logId);
  if (entry.event.type === logEventTypes.secretSealed) return withSecret(next, logId, entry);
  return withResource(next, logId, entry);
}

/** An entry nobody can read: what this pod has of that resource or secret stays, and it says so. */
export function withMalformed(
  state: DesiredState,
  { subject, sequence, problem }: MalformedEntry,
): DesiredState {
  const unreadable = new Set(state.unreadable).add(subject);
  const known = state.resources.get(subject);
  if (known === undefined) return { ...state, sequence, unreadable };
  const content = { servable: false, reason: 'Invalid', message: problem } as const;
  const resources = new Map(state.resources).set(subject, { ...known, sequence, content });
  return { ...state, sequence, resources, unreadable };
}

/** What cannot be read is told anew before the next snapshot. */
export function disconnected(state: DesiredState): DesiredState {
  return { ...state, unreadable: new Set() };
}

function readable(state: DesiredState, subject: string): DesiredState {
  if (!state.unreadable.has(subject)) return state;
  const unreadable = new Set(state.unreadable);
  unreadable.delete(subject);
  return { ...state, unreadable };
}

function isPublished({ event }: ConfigEntry, logId: string): boolean {
  return (
    event.type === logEventTypes.poolPublished &&
    isPoolPublished(event.data) &&
    event.data.logId === logId
  );
}

/** Everything is published: what still comes from an older log was not. */
function sweep(state: DesiredState, logId: string): DesiredState {
  const kept = (subject: string, from: string) => from === logId || state.unreadable.has(subject);
  const resources = [...state.resources].filter(([subject, of]) => kept(subject, of.logId));
  const secrets = [...state.secrets].filter(([, { subject, logId: from }]) => kept(subject, from));
  return { ...state, resources: new Map(resources), secrets: new Map(secrets) };
}

function withSecret(
  state: DesiredState,
  logId: string,
  { subject, event }: ConfigEntry,
): DesiredState {
  if (!isSecretSealed(event.data)) return state;
  const secrets = new Map(state.secrets);
  secrets.set(`${event.data.namespace}/${event.data.name}`, { ...event.data, subject, logId });
  return { ...state, secrets };
}

function withResource(state: DesiredState, logId: string, entry: ConfigEntry): DesiredState {
  const { subject, sequence, event } = entry;
  const key = parseKey(event.subject);
  if (key === null) return state;
  const resources = new Map(state.resources);
  const desired = allKinds[key.kind].desired(event.type, event.data);
  const known = state.resources.get(subject);
  const base = { key, sequence, logId };
  switch (desired.is) {
    case 'removed':
      resources.delete(subject);
      break;
    case 'configured': {
      const { uid, generation, config } = desired;
      resources.set(subject, { ...base, uid, generation, content: { servable: true, config } });
      break;
    }
    case 'refused': {
      const reason = desired.unknownField ? 'UnsupportedField' : 'Invalid';
      const { uid = subject, generation = 0 } = known ?? {};
      const content = { servable: false, reason, message: desired.message } as const;
      resources.set(subject, { ...base, uid, generation, content });
      break;
    }
  }
  return { ...state, resources };
}
