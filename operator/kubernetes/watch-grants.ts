import { isRecord } from '../../contracts/json.ts';
import {
  type CrossReference,
  type GrantFacts,
  isPermitted,
  notPermitted,
  readGrant,
} from '../reference-grants.ts';
import type { UnusableService } from '../service-endpoints.ts';
import type { ApiError } from './api.ts';
import { isEstablished } from './confirm-absent.ts';
import type { KubernetesObject } from './objects.ts';
import { createReflector, type Reflector, type ReflectorOptions } from './reflector.ts';
import { pathOf, resourceTypes } from './resource-types.ts';

export type WatchedGrants = {
  /** Why a reference is not permitted; `null`: it is. Throws `ApiError` if nobody can tell now. */
  refuse(reference: CrossReference): Promise<UnusableService | null>;
  /** Asked after `signal` aborted: all that was watched has ended. */
  readonly ended: Promise<unknown>;
};

type Options = Omit<ReflectorOptions<unknown>, 'path' | 'keep' | 'onChange' | 'onState'> & {
  /** What may be referred to in this namespace is another, or may be. */
  readonly onChange: (namespace: string) => void;
};

/** ReferenceGrants under the version that the cluster serves. */
type Followed = {
  readonly version: string;
  readonly stop: AbortController;
  readonly reflector: Reflector<GrantFacts>;
};

const { group, plural } = resourceTypes.referenceGrants;
const definitionName = `${plural}.${group}`;
/** They say the same: the first that is served will do. */
const knownVersions = ['v1', 'v1beta1'];

/**
 * ReferenceGrants of the cluster, watched from the first time one is needed. Their definition is
 * Gateway API's, and may be installed, replaced or removed at any time: it is watched, too.
 */
export function watchGrants({ onChange, ...options }: Options): WatchedGrants {
  const { signal } = options;
  const asked = new Set<string>();
  const ending: Promise<void>[] = [];
  let definition: Reflector<string | null> | null = null;
  let followed: Followed | null = null;
  let changed = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => changed.resolve(), { once: true });

  function followDefinition(): Reflector<string | null> {
    const reflector = createReflector<string | null>({
      ...options,
      path: pathOf(resourceTypes.customResourceDefinitions),
      fieldSelector: `metadata.name=${definitionName}`,
      keep: servedVersion,
      onChange: followServed,
      onState: tellAll,
    });
    ending.push(reflector.ended);
    return reflector;
  }

  function followServed(): void {
    const version = versionOf(definition);
    if (version === (followed?.version ?? null)) return;
    followed?.stop.abort();
    followed = version === null ? null : follow(version);
    tellAll();
  }

  function follow(version: string): Followed {
    const stop = new AbortController();
    const reflector = createReflector<GrantFacts>({
      ...options,
      signal: AbortSignal.any([signal, stop.signal]),
      path: pathOf({ ...resourceTypes.referenceGrants, version }),
      keep: readGrant,
      onChange: ({ namespace }) => tell([namespace]),
      onState: tellAll,
    });
    ending.push(reflector.ended);
    return { version, stop, reflector };
  }

  function tellAll(): void {
    tell([...asked]);
  }

  function tell(namespaces: readonly string[]): void {
    if (!isKnown()) return;
    changed.resolve();
    changed = Promise.withResolvers();
    for (const namespace of namespaces) if (asked.has(namespace)) onChange(namespace);
  }

  /** Everything could be listed, or it was said why not. */
  function isKnown(): boolean {
    return isTold(definition) && (followed === null || isTold(followed.reflector));
  }

  return {
    async refuse(reference) {
      asked.add(reference.namespace);
      definition ??= followDefinition();
      while (!isKnown() && !signal.aborted) await changed.promise;
      signal.throwIfAborted();
      return followed === null
        ? withoutDefinition(reference, definition)
        : refuseBy(followed.reflector, reference);
    },
    get ended() {
      return Promise.all(ending);
    },
  };
}

function isTold(reflector: Reflector<unknown> | null): boolean {
  return reflector !== null && (reflector.complete || reflector.problem !== null);
}

/** The version to ask for; `null`: there is none, or not yet. */
function servedVersion({ spec, status }: KubernetesObject): string | null {
  const versions = isRecord(spec) && Array.isArray(spec['versions']) ? spec['versions'] : [];
  const served = versions.filter((each) => isRecord(each) && each['served'] === true);
  const names = served.map(({ name }) => name);
  return (isEstablished(status) && knownVersions.find((each) => names.includes(each))) || null;
}

function versionOf(definition: Reflector<string | null> | null): string | null {
  return definition?.get('', definitionName)?.value ?? null;
}

function withoutDefinition(
  reference: CrossReference,
  { problem }: Reflector<unknown>,
): UnusableService {
  if (problem !== null) {
    const rights = `list and watch of the CustomResourceDefinition ${definitionName}`;
    return unlessForbidden(problem, reference, rights);
  }
  return notPermitted(
    reference,
    `this cluster has no ReferenceGrants (the CustomResourceDefinition ${definitionName} is not installed)`,
  );
}

/** What was permitted stays so while nobody can be asked. */
function refuseBy(
  grants: Reflector<GrantFacts>,
  reference: CrossReference,
): UnusableService | null {
  const there = [...grants.entries()].filter(({ namespace }) => namespace === reference.namespace);
  const facts = there.map(({ value }) => value);
  if (isPermitted(facts, reference)) return null;
  if (grants.problem === null) return notPermitted(reference);
  return unlessForbidden(grants.problem, reference, `list and watch of ${definitionName}`);
}

/** Nobody may look: that is no proof that nobody permits it. */
function unlessForbidden(
  problem: ApiError,
  reference: CrossReference,
  rights: string,
): UnusableService {
  if (problem.status !== 403) throw problem;
  const why = `Headgate may not read who permits it (its ServiceAccount needs ${rights})`;
  return { ...notPermitted(reference, why), forbidden: true };
}
