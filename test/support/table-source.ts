import { createHash } from 'node:crypto';
import { canonicalJson } from '../../contracts/json.ts';
import type { Kind } from '../../contracts/kinds/all-kinds.ts';
import type { ServicePort } from '../../contracts/log-events.ts';
import { formatKey, type ResourceKey } from '../../contracts/resource-key.ts';
import { createFeed } from '../../event-log/feed.ts';
import type {
  Observed,
  ObservedSecret,
  Source,
  SourceChange,
} from '../../operator/control-loop/source.ts';
import { type GrantFacts, isPermitted, notPermitted } from '../../operator/reference-grants.ts';
import { createValidator } from '../../operator/schema/validator.ts';
import type { ObservedService } from '../../operator/service-endpoints.ts';

const validator = createValidator();

/** A source whose content a test sets directly. Specs go through the real validator. */
export type TableSource = Source & {
  put(
    name: string,
    spec: unknown,
    more?: {
      readonly holdAt?: number;
      readonly createdAt?: string;
      readonly kind?: Kind;
      readonly namespace?: string;
    },
  ): ResourceKey;
  remove(name: string): void;
  putSecret(name: string, fields: Readonly<Record<string, string>> | null): void;
  /** `null`: it is gone. */
  putService(name: string, ports: readonly ServicePort[] | null, namespace?: string): void;
  /** What may be referred to in a namespace; `unreadable`: nobody may look. */
  putGrants(namespace: string, grants: readonly GrantFacts[] | 'unreadable'): void;
  /** Nobody may look at it. */
  forbidService(name: string): void;
  setComplete(complete: boolean): void;
};

export function createTableSource(id = 'directory:test'): TableSource {
  const resources = new Map<
    string,
    { readonly key: ResourceKey; readonly observed: NonNullable<Observed<Kind>> }
  >();
  const secrets = new Map<string, ObservedSecret>();
  const services = new Map<string, ObservedService>();
  const grants = new Map<string, readonly GrantFacts[] | 'unreadable'>();
  const ended = new AbortController();
  const changes = createFeed<SourceChange>(ended.signal);
  let complete = true;
  changes.push({ type: 'synced' });

  const keyOf = (name: string, kind: Kind = 'ForwardProxy', namespace = 'team-a') =>
    ({ kind, namespace, name }) as const;

  return {
    id,
    put(name, spec, { holdAt = null, createdAt, kind, namespace } = {}) {
      const key = keyOf(name, kind, namespace);
      const specDigest = createHash('sha256').update(canonicalJson(spec)).digest('hex');
      const validated = validator.validate({
        apiVersion: 'headgate.dev/v1alpha1',
        kind: key.kind,
        metadata: { namespace: key.namespace, name },
        spec,
      });
      const known = { specDigest, cause: 'a.yaml:1', ...(createdAt && { createdAt }) };
      const observed = validated.ok
        ? ({ valid: true, spec: validated.spec, holdAt, ...known } as const)
        : ({
            valid: false,
            ...known,
            problems: validated.problems.map((problem) => ({
              file: 'a.yaml',
              line: 1,
              ...problem,
            })),
          } as const);
      resources.set(formatKey(key), { key, observed });
      changes.push({ type: 'resource', key });
      return key;
    },
    remove(name) {
      const found = [...resources.values()].find(({ key }) => key.name === name);
      const key = found?.key ?? keyOf(name);
      resources.delete(formatKey(key));
      changes.push({ type: 'resource', key });
    },
    putSecret(name, fields) {
      if (fields === null) secrets.delete(`team-a/${name}`);
      else secrets.set(`team-a/${name}`, { found: true, fields });
      changes.push({ type: 'secret', namespace: 'team-a', name });
    },
    putService(name, ports, namespace = 'team-a') {
      if (ports === null) services.delete(`${namespace}/${name}`);
      else services.set(`${namespace}/${name}`, { found: true, ports });
      changes.push({ type: 'service', namespace, name });
    },
    putGrants(namespace, granted) {
      grants.set(namespace, granted);
      changes.push({ type: 'grants', namespace });
    },
    forbidService(name) {
      const message = `may not read Service ${name}`;
      services.set(`team-a/${name}`, { found: false, message, forbidden: true });
      changes.push({ type: 'service', namespace: 'team-a', name });
    },
    setComplete(value) {
      complete = value;
      if (complete) changes.push({ type: 'synced' });
    },
    async *changes(signal) {
      signal.addEventListener('abort', () => ended.abort(), { once: true });
      yield* changes;
    },
    list: () => ({ keys: [...resources.values()].map(({ key }) => key), complete }),
    read: <K extends Kind>(key: ResourceKey & { readonly kind: K }) =>
      (resources.get(formatKey(key))?.observed ?? null) as Observed<K>,
    readSecret: async (namespace, name) =>
      secrets.get(`${namespace}/${name}`) ?? {
        found: false,
        message: `there is no Secret ${namespace}/${name}`,
      },
    readService: async (namespace, name) =>
      services.get(`${namespace}/${name}`) ?? {
        found: false,
        message: `there is no Service ${namespace}/${name}`,
      },
    async refuseReference(reference) {
      const granted = grants.get(reference.namespace) ?? [];
      if (granted === 'unreadable') return { ...notPermitted(reference), forbidden: true };
      return isPermitted(granted, reference) ? null : notPermitted(reference);
    },
    confirmAbsent: async () => complete,
    refuseInPool: () => null,
    statuses: null,
    async [Symbol.asyncDispose]() {
      ended.abort();
    },
  };
}
