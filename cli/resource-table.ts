import { findCondition } from '../contracts/conditions.ts';
import type { JsonRecord } from '../contracts/json.ts';
import { allKinds } from '../contracts/kinds/all-kinds.ts';
import type { ResourceKey } from '../contracts/resource-key.ts';
import type { ResourceStatus } from '../contracts/status.ts';
import { formatAge, formatColumns, paintStatus } from './columns.ts';
import { printable } from './printable.ts';

/** A resource as `get` shows it, wherever it was found. */
export type ShownResource = ResourceKey & {
  readonly pool: string;
  readonly createdAt: string;
  /** `null`: nobody has looked at it yet. */
  readonly status: ResourceStatus | null;
  /** All of it, as an API server would show it. */
  readonly object: JsonRecord;
};

export function byKey(one: ShownResource, other: ShownResource): number {
  const key = ({ kind, namespace, name }: ShownResource) => `${kind}/${namespace}/${name}`;
  return key(one) < key(other) ? -1 : 1;
}

const heads = [
  'NAMESPACE',
  'NAME',
  'POOL',
  'ACCEPTED',
  'PROGRAMMED',
  'REASON',
  'ACKED',
  'PODS',
  'AGE',
];
const wideHeads = [...heads, 'VERSION', 'MESSAGE'];

/** `before` are rows printed earlier, under whose columns these go: then without heads. */
export function formatTable(
  found: readonly ShownResource[],
  wide: boolean,
  before: readonly ShownResource[] = [],
): string {
  const kindsShown = new Set([...before, ...found].map(({ kind }) => kind));
  const rows = [...before, ...found].map((each) => row(each, kindsShown.size > 1, wide));
  const lines = formatColumns(wide ? wideHeads : heads, rows).split('\n');
  return before.length === 0 ? lines.join('\n') : lines.slice(before.length + 1).join('\n');
}

function row(each: ShownResource, several: boolean, wide: boolean): readonly string[] {
  const { kind, namespace, name, pool, createdAt, status } = each;
  const conditions = status?.conditions ?? [];
  const accepted = findCondition(conditions, 'Accepted');
  const programmed = findCondition(conditions, 'Programmed');
  const telling = accepted?.status === 'False' ? accepted : programmed;
  const cells = [
    namespace,
    several ? `${allKinds[kind].plural}/${name}` : name,
    pool,
    paintStatus(accepted?.status ?? 'Unknown'),
    paintStatus(programmed?.status ?? 'Unknown'),
    telling?.reason ?? '',
    String(status?.propagation?.acked ?? 0),
    String(status?.propagation?.desired ?? 0),
    formatAge(createdAt, Date.now()),
  ];
  if (!wide) return cells;
  return [
    ...cells,
    String(status?.configVersion ?? ''),
    printable(telling?.message.replaceAll('\n', '; ') ?? ''),
  ];
}
