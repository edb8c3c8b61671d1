import { createHash } from 'node:crypto';
import { canonicalJson } from '../../contracts/json.ts';
import type { Kind } from '../../contracts/kinds/all-kinds.ts';
import { formatKey, type ResourceKey } from '../../contracts/resource-key.ts';
import { createFeed } from '../../event-log/feed.ts';
import type {
  Observed,
  ObservedSecret,
  Source,
  SourceChange,
} from '../../operator/control-loop/source.ts';
import { createValidator } from '../../operator/schema/validator.ts';

const validator = createValidator();

/** A source whose content a test sets directly. Specs go through the real validator. */
export type TableSource = Source & {
  put(name: string, spec: unknown, more?: { readonly holdAt?: number }): ResourceKey;
  remove(name: string): void;
  putSecret(name: string, fields: Readonly<Record<string, string>> | null): void;
  setComplete(complete: boolean): void;
};

export function createTableSource(id = 'directory:test'): TableSource {
  const resources = new Map<string, { key: ResourceKey; observed: NonNullable<Observed<Kind>> }>();
  const secrets = new Map<string, ObservedSecret>();
  const ended = new AbortController();
  const changes = createFeed<SourceChange>(ended.signal);
  let complete = true;
  changes.push({ type: 'synced' });

  const keyOf = (name: string) => ({ kind: 'ForwardProxy', namespace: 'team-a', name }) as const;

  return {
    id,
    put(name, spec, { holdAt = null } = {}) {
      const key = keyOf(name);
      const specDigest = createHash('sha256').update(canonicalJson(spec)).digest('hex');
      const validated = validator.validate({
        apiVersion: 'headgate.dev/v1alpha1',
        kind: key.kind,
        metadata: { namespace: key.namespace, name },
        spec,
      });
      const observed = validated.ok
        ? ({ valid: true, spec: validated.spec, specDigest, holdAt, cause: 'a.yaml:1' } as const)
        : ({
            valid: false,
            specDigest,
            cause: 'a.yaml:1',
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
      resources.delete(formatKey(keyOf(name)));
      changes.push({ type: 'resource', key: keyOf(name) });
    },
    putSecret(name, fields) {
      if (fields === null) secrets.delete(`team-a/${name}`);
      else secrets.set(`team-a/${name}`, { found: true, fields });
      changes.push({ type: 'secret', namespace: 'team-a', name });
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
    readSecret: (namespace, name) =>
      secrets.get(`${namespace}/${name}`) ?? {
        found: false,
        message: `there is no Secret ${namespace}/${name}`,
      },
    async [Symbol.asyncDispose]() {
      ended.abort();
    },
  };
}
