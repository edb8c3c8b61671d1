import { allKinds, type ConfigOf, type Kind } from '../../contracts/kinds/all-kinds.ts';
import {
  type EndpointsObserved,
  isEndpointsObserved,
  isPoolPublished,
  isSecretSealed,
  logEventTypes,
  type SecretSealed,
} from '../../contracts/log-events.ts';
import { parseKey, type ResourceKey } from '../../contracts/resource-key.ts';
import { serviceId } from '../../contracts/service-reference.ts';

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
  /** By `serviceId`. */
  readonly endpoints: ReadonlyMap<string, DesiredEndpoints>;
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

export type DesiredEndpoints = EndpointsObserved & {
  readonly subject: string;
  readonly sequence: number;
  readonly logId: string;
};

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
  endpoints: new Map(),
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
  const draft = draftOf({ ...state, logId, published });
  for (const entry of entries) if (!isPublished(entry, logId)) fold(draft, logId, entry);
  const complete = { ...draft, sequence };
  return published ? onlyListed(complete, entries) : complete;
}

/** Without what a snapshot that says it is complete does not list. */
function onlyListed(state: DesiredState, entries: readonly ConfigEntry[]): DesiredState {
  const listed = new Set(entries.map(({ subject }) => subject));
  const kept = (subject: string) => listed.has(subject) || state.unreadable.has(subject);
  const resources = [...state.resources].filter(([subject]) => kept(subject));
  const secrets = [...state.secrets].filter(([, { subject }]) => kept(subject));
  const endpoints = [...state.endpoints].filter(([, { subject }]) => kept(subject));
  return {
    ...state,
    resources: new Map(resources),
    secrets: new Map(secrets),
    endpoints: new Map(endpoints),
  };
}

/** Together: of ten thousand resources a copy for each entry would be most of the work. */
export function withEntries(
  state: DesiredState,
  logId: string,
  entries: readonly ConfigEntry[],
): DesiredState {
  const draft = draftOf(state);
  for (const entry of entries) fold(draft, logId, entry);
  return draft;
}

/** A state that nobody else has seen yet. */
type Draft = {
  -readonly [Field in keyof DesiredState]: DesiredState[Field] extends ReadonlyMap<infer K, infer V>
    ? Map<K, V>
    : DesiredState[Field] extends ReadonlySet<infer Item>
      ? Set<Item>
      : DesiredState[Field];
};

function draftOf(state: DesiredState): Draft {
  return {
    ...state,
    resources: new Map(state.resources),
    secrets: new Map(state.secrets),
    endpoints: new Map(state.endpoints),
    unreadable: new Set(state.unreadable),
  };
}

function fold(draft: Draft, logId: string, entry: ConfigEntry): void {
  draft.unreadable.delete(entry.subject);
  draft.sequence = entry.sequence;
  if (isPublished(entry, logId)) sweep(draft, logId);
  else if (entry.event.type === logEventTypes.secretSealed) foldSecret(draft, logId, entry);
  else if (entry.event.type === logEventTypes.endpointsObserved) foldEndpoints(draft, logId, entry);
  else foldResource(draft, logId, entry);
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

function isPublished({ event }: ConfigEntry, logId: string): boolean {
  return (
    event.type === logEventTypes.poolPublished &&
    isPoolPublished(event.data) &&
    event.data.logId === logId
  );
}

/** Everything is published: what still comes from an older log was not. */
function sweep(draft: Draft, logId: string): void {
  draft.published = true;
  for (const [subject, { logId: from }] of draft.resources) {
    if (from !== logId && !draft.unreadable.has(subject)) draft.resources.delete(subject);
  }
  for (const referred of [draft.secrets, draft.endpoints]) {
    for (const [name, { subject, logId: from }] of referred) {
      if (from !== logId && !draft.unreadable.has(subject)) referred.delete(name);
    }
  }
}

function foldSecret({ secrets }: Draft, logId: string, { subject, event }: ConfigEntry): void {
  if (!isSecretSealed(event.data)) return;
  secrets.set(`${event.data.namespace}/${event.data.name}`, { ...event.data, subject, logId });
}

function foldEndpoints(
  { endpoints }: Draft,
  logId: string,
  { subject, sequence, event: { data } }: ConfigEntry,
): void {
  if (!isEndpointsObserved(data)) return;
  endpoints.set(serviceId(data), { ...data, subject, sequence, logId });
}

function foldResource({ resources }: Draft, logId: string, entry: ConfigEntry): void {
  const { sequence, subject, event } = entry;
  const key = parseKey(event.subject);
  if (key === null) return;
  const desired = allKinds[key.kind].desired(event.type, event.data);
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
      const { uid = subject, generation = 0 } = resources.get(subject) ?? {};
      const content = { servable: false, reason, message: desired.message } as const;
      resources.set(subject, { ...base, uid, generation, content });
      break;
    }
  }
}
