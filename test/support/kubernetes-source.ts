import type { Kind } from '../../contracts/kinds/all-kinds.ts';
import type { ResourceKey } from '../../contracts/resource-key.ts';
import type { SourceChange } from '../../operator/control-loop/source.ts';
import type { KubernetesApi } from '../../operator/kubernetes/api.ts';
import {
  type KubernetesSource,
  type KubernetesSourceOptions,
  openKubernetesSource,
} from '../../operator/kubernetes/kubernetes-source.ts';
import type { StatusWriteOutcome } from '../../operator/metrics.ts';
import { createValidator } from '../../operator/schema/validator.ts';
import { silentLog } from '../../runtime/log.ts';
import type { Scope } from './teardowns.ts';
import { createTold, type Told } from './told.ts';

export type SourceWorld = {
  readonly source: KubernetesSource;
  /** `resource KEY`, `secret NAMESPACE/NAME`, `service NAMESPACE/NAME`, `grants NAMESPACE`, `pools`, `synced`, `problem WHERE`, `problemSolved WHERE`. */
  readonly told: Told;
  readonly writes: readonly StatusWriteOutcome[];
};

const validator = createValidator();

/** A source that fails fast, with a reader, until the test ends. */
export async function openSource(
  t: Pick<Scope, 'teardown'>,
  api: KubernetesApi,
  options: Partial<KubernetesSourceOptions> = {},
): Promise<SourceWorld> {
  const ended = new AbortController();
  const told = createTold();
  const writes: StatusWriteOutcome[] = [];
  const source = await openKubernetesSource({
    api,
    namespace: 'headgate-system',
    validator,
    mayWrite: () => true,
    meters: {
      watchComplete: () => undefined,
      watchRestarted: () => undefined,
      statusWritten: (_, outcome) => writes.push(outcome),
    },
    log: silentLog,
    signal: ended.signal,
    timing: { firstPauseMs: 20, longestPauseMs: 100 },
    absence: { graceMs: 3_000, recheckMs: 50 },
    ...options,
  });
  const reading = readAll(source, told, ended.signal);
  t.teardown(async () => {
    ended.abort();
    await reading;
    await source[Symbol.asyncDispose]();
  });
  return { source, told, writes };
}

export async function readAll(
  source: KubernetesSource,
  told: Told,
  signal: AbortSignal,
): Promise<void> {
  for await (const change of source.changes(signal)) told.tell(lineOf(change));
}

function lineOf(change: SourceChange): string {
  switch (change.type) {
    case 'resource':
      return `resource ${change.key.namespace}/${change.key.name}`;
    case 'secret':
    case 'service':
      return `${change.type} ${change.namespace}/${change.name}`;
    case 'grants':
      return `grants ${change.namespace}`;
    case 'problem':
    case 'problemSolved':
      return `${change.type} ${change.where}`;
    default:
      return change.type;
  }
}

export const keyOf = (namespace: string, name: string): ResourceKey & { readonly kind: Kind } => ({
  kind: 'ForwardProxy',
  namespace,
  name,
});

/** A ForwardProxy as YAML takes it; `more` goes into its metadata. */
export function proxyManifest(
  namespace: string,
  name: string,
  spec: Readonly<Record<string, unknown>> = {},
  more: Readonly<Record<string, unknown>> = {},
): string {
  return JSON.stringify({
    apiVersion: 'headgate.dev/v1alpha1',
    kind: 'ForwardProxy',
    metadata: { namespace, name, ...more },
    spec: { listeners: [{ name: 'proxy', port: 3128 }], ...spec },
  });
}
