import { isRecord } from '../../contracts/json.ts';
import type { ObservedSecret } from '../control-loop/source.ts';
import type { KubernetesObject } from './objects.ts';
import { createReflector, type Reflector } from './reflector.ts';
import { pathOf, resourceTypes } from './resource-types.ts';
import { type ReferredOptions, type WatchedByName, watchByName } from './watch-by-name.ts';

type Fields = Readonly<Record<string, string>>;

/** Secrets by name: never those of a whole cluster. */
export function watchSecrets({
  signal,
  onChange,
  log,
  ...options
}: ReferredOptions): WatchedByName<ObservedSecret> {
  const { api, timing = {}, onRestart = () => undefined, ...idle } = options;
  return watchByName<ObservedSecret>({
    ...{ signal, onChange, ...idle },
    watch(namespace, name, told) {
      const reflector = createReflector<Fields>({
        ...{ api, timing, onRestart, signal: told.signal, onChange: told.onChange },
        path: pathOf(resourceTypes.secrets, { namespace }),
        fieldSelector: `metadata.name=${name}`,
        keep: fieldsOf,
        log: log.with({ secret: `${namespace}/${name}` }),
        onState: () => told.onState(0),
      });
      return { reflectors: [reflector], observe: () => observedIn(reflector, namespace, name) };
    },
  });
}

function observedIn(reflector: Reflector<Fields>, namespace: string, name: string): ObservedSecret {
  const found = reflector.get(namespace, name);
  const { problem } = reflector;
  if (problem?.status === 403) {
    return {
      found: false,
      message: `Headgate may not read Secret ${namespace}/${name}: its ServiceAccount needs list and watch of secrets in namespace ${namespace}`,
    };
  }
  // What was known stays true while nobody can be asked.
  if (found !== null) return { found: true, fields: found.value };
  if (problem !== null) throw problem;
  return { found: false, message: `there is no Secret ${namespace}/${name}` };
}

/** What is text; anything else is nothing a proxy could be configured with. */
function fieldsOf({ data }: KubernetesObject): Fields {
  if (!isRecord(data)) return {};
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const fields = Object.entries(data).flatMap(([name, base64]): [string, string][] => {
    try {
      return [[name, decoder.decode(Buffer.from(String(base64), 'base64'))]];
    } catch {
      return [];
    }
  });
  return Object.fromEntries(fields);
}
