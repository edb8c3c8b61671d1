import { isRecord } from '../../contracts/json.ts';
import type { KubernetesApi } from '../../operator/kubernetes/api.ts';
import {
  createReflector,
  type Reflector,
  type ReflectorOptions,
} from '../../operator/kubernetes/reflector.ts';
import type { WatchRestart } from '../../operator/metrics.ts';
import { silentLog } from '../../runtime/log.ts';
import type { Scope } from './teardowns.ts';
import { createTold, type Told } from './told.ts';

type Reflected = {
  readonly reflector: Reflector<string>;
  /** `put NAME VALUE`, `gone NAME VALUE`, `complete`, `incomplete`, `restart REASON`. */
  readonly seen: Told;
  readonly restarts: readonly WatchRestart[];
};

/** Follows ConfigMaps by their key `x`, until the test ends. */
export function reflect(
  t: Pick<Scope, 'teardown'>,
  api: KubernetesApi,
  options: Pick<ReflectorOptions<string>, 'path' | 'fieldSelector' | 'timing'>,
): Reflected {
  const seen = createTold();
  const restarts: WatchRestart[] = [];
  const ended = new AbortController();
  const reflector = createReflector<string>({
    ...options,
    api,
    signal: ended.signal,
    log: silentLog,
    keep: ({ data }) => (isRecord(data) ? String(data['x']) : ''),
    onChange: ({ type, name, kept }) => {
      if (name !== 'kube-root-ca.crt') seen.tell(`${type} ${name} ${kept.value}`);
      if (name === 'throw') throw new Error('thrown by a listener');
    },
    onState: () => seen.tell(reflector.complete ? 'complete' : 'incomplete'),
    onRestart(reason) {
      restarts.push(reason);
      seen.tell(`restart ${reason}`);
    },
  });
  t.teardown(async () => {
    ended.abort();
    await reflector.ended;
  });
  return { reflector, seen, restarts };
}
