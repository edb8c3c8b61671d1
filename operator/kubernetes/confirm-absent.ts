import { isRecord, type JsonRecord } from '../../contracts/json.ts';
import { allKinds } from '../../contracts/kinds/all-kinds.ts';
import { formatKey, type ResourceKey } from '../../contracts/resource-key.ts';
import type { Log } from '../../runtime/log.ts';
import { ApiError, isNotFound, type KubernetesApi } from './api.ts';
import { pause } from './backoff.ts';
import { ourGroup, typeOfKind } from './our-types.ts';
import { pathOf, resourceTypes } from './resource-types.ts';

export type Grace = {
  /** So long everything may take to come back that went with its definition. */
  readonly graceMs: number;
  /** How often it is looked whether the definition is back. */
  readonly recheckMs: number;
};

export const defaultGrace: Grace = { graceMs: 60_000, recheckMs: 2_000 };

type Options = {
  readonly api: KubernetesApi;
  readonly signal: AbortSignal;
  readonly log: Log;
  /** Keys about which nothing was certain, once it may be. */
  readonly onLookAgain: (keys: readonly ResourceKey[]) => void;
  readonly timing: Grace;
};

/**
 * Whether a resource is certainly gone because somebody removed it. Deleting a definition deletes
 * every resource of it; applied again, the resources come back one by one. Meanwhile nobody wants
 * the proxies stopped.
 */
export type Absence = {
  /** `lastCreatedAt`: of the resource that was there before, as far as it was seen. */
  confirm(key: ResourceKey, lastCreatedAt: string | null): Promise<boolean>;
  /** The definition was found missing. */
  noteMissing(kind: ResourceKey['kind']): void;
  readonly ended: Promise<void>;
};

type Doubted = { readonly key: ResourceKey; readonly lastCreatedAt: string | null };

type Definition = { readonly usable: boolean; readonly createdAtMs: number };

export function createAbsence(options: Options): Absence {
  const { api, signal, log, onLookAgain, timing } = options;
  const doubted = new Map<string, Doubted>();
  const missingAt = new Map<ResourceKey['kind'], number>();
  const definitions = new Map<ResourceKey['kind'], () => Promise<Definition>>();
  let ended = Promise.resolve();
  let looking = false;

  function noteMissing(kind: ResourceKey['kind']): void {
    missingAt.set(kind, performance.now());
  }

  async function fetchDefinition(kind: ResourceKey['kind']): Promise<Definition> {
    const name = `${allKinds[kind].plural}.${ourGroup}`;
    try {
      const crd = await api.get(pathOf(resourceTypes.customResourceDefinitions, { name }), signal);
      const { metadata, status } = crd;
      const usable = metadata.deletionTimestamp === undefined && isEstablished(status);
      if (!usable) noteMissing(kind);
      return { usable, createdAtMs: Date.parse(metadata.creationTimestamp ?? '') };
    } catch (error) {
      if (!isNotFound(error)) throw error;
      noteMissing(kind);
      return { usable: false, createdAtMs: 0 };
    }
  }

  function definitionOf(kind: ResourceKey['kind']): Promise<Definition> {
    const fetch = definitions.get(kind) ?? shareNext(() => fetchDefinition(kind));
    definitions.set(kind, fetch);
    return fetch();
  }

  /** Whether the definition has been there long enough for everything to have come back. */
  function isSettled(kind: ResourceKey['kind'], { usable, createdAtMs }: Definition): boolean {
    const missing = missingAt.get(kind);
    const seenForMs =
      missing === undefined ? Number.POSITIVE_INFINITY : performance.now() - missing;
    const ageMs = api.now() - createdAtMs;
    return usable && Math.min(ageMs, seenForMs) >= timing.graceMs;
  }

  /** Whether a resource that is not found is gone for good, and not on its way back. */
  function isFinal({ key, lastCreatedAt }: Doubted, definition: Definition): boolean {
    // One made under this very definition did not go with another.
    const isYounger = Date.parse(lastCreatedAt ?? '') > definition.createdAtMs;
    return definition.usable && (isYounger || isSettled(key.kind, definition));
  }

  async function isGone(one: Doubted): Promise<boolean> {
    const { kind, namespace, name } = one.key;
    try {
      await api.get(pathOf(typeOfKind(kind), { namespace, name }), signal);
      return false;
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    // Asked after the resource: had its definition gone in between, the answer would mean nothing.
    return isFinal(one, await definitionOf(kind));
  }

  /** Whatever is in doubt is looked at again as soon as its absence would mean something. */
  async function lookAgain(): Promise<void> {
    while (doubted.size > 0 && !signal.aborted) {
      await pause(timing.recheckMs, signal);
      const kinds = new Set([...doubted.values()].map(({ key }) => key.kind));
      for (const kind of kinds) await lookAgainAt(kind);
    }
    looking = false;
  }

  async function lookAgainAt(kind: ResourceKey['kind']): Promise<void> {
    const definition = await definitionOf(kind).catch(() => null);
    if (definition === null) return;
    const keys = [...doubted.values()]
      .filter((one) => one.key.kind === kind && isFinal(one, definition))
      .map(({ key }) => key);
    for (const key of keys) doubted.delete(formatKey(key));
    if (keys.length > 0) onLookAgain(keys);
  }

  function doubt(one: Doubted): void {
    doubted.set(formatKey(one.key), one);
    if (looking || signal.aborted) return;
    looking = true;
    ended = lookAgain();
  }

  return {
    async confirm(key, lastCreatedAt) {
      try {
        if (await isGone({ key, lastCreatedAt })) {
          doubted.delete(formatKey(key));
          return true;
        }
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        log.warn('whether a resource is gone cannot be told', { resource: formatKey(key), error });
      }
      doubt({ key, lastCreatedAt });
      return false;
    },
    noteMissing,
    get ended() {
      return ended;
    },
  };
}

/** Many who ask at once share one answer, asked for after the last of them came. */
function shareNext<T>(fetch: () => Promise<T>): () => Promise<T> {
  let running: Promise<unknown> = Promise.resolve();
  let next: Promise<T> | null = null;
  return () => {
    next ??= running
      .catch(() => undefined)
      .then(() => {
        next = null;
        const current = fetch();
        running = current;
        return current;
      });
    return next;
  };
}

/** Whether a definition with this status is served. */
export function isEstablished(status: unknown): boolean {
  const conditions = isRecord(status) ? status['conditions'] : undefined;
  if (!Array.isArray(conditions)) return false;
  return conditions.some((condition: JsonRecord) => {
    return condition['type'] === 'Established' && condition['status'] === 'True';
  });
}
