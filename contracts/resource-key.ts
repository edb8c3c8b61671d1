import { isKind, type Kind } from './kinds/all-kinds.ts';

/** One resource, wherever it is written: in a cluster, a file, a subject or a log line. */
export type ResourceKey = {
  readonly kind: Kind;
  readonly namespace: string;
  readonly name: string;
};

/** `ForwardProxy/team-a/egress`: for people, logs and map keys. */
export function formatKey({ kind, namespace, name }: ResourceKey): string {
  return `${kind}/${namespace}/${name}`;
}

/** `ForwardProxy/team-a/egress`, or `null` if no resource of ours is meant. */
export function parseKey(text: string): ResourceKey | null {
  const [kind, namespace, name, ...rest] = text.split('/');
  if (kind === undefined || !isKind(kind) || rest.length > 0) return null;
  return namespace && name ? { kind, namespace, name } : null;
}

/** `team-a/egress`: the value of the `resource` label of metrics and access-log lines. */
export function resourceLabel({ namespace, name }: ResourceKey): string {
  return `${namespace}/${name}`;
}
