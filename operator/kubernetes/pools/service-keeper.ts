import { clusterLabels } from '../../../contracts/cluster-names.ts';
import { formatKey, type ResourceKey } from '../../../contracts/resource-key.ts';
import type { Placed } from '../../control-loop/placement.ts';
import { selectsPool } from './endpoints.ts';
import type { Manifest } from './manifest.ts';
import type { ObjectMirror } from './object-mirror.ts';
import { NotNow, type ObjectWriter } from './object-writer.ts';
import type { PlacementTable } from './placement-table.ts';
import { resourceService } from './resource-service.ts';
import { createServiceNames } from './service-names.ts';

type ServiceKeeperOptions = {
  readonly mirror: ObjectMirror;
  readonly writer: ObjectWriter;
  readonly table: PlacementTable;
  readonly namespace: string;
  readonly isComplete: () => boolean;
  /** Whether clients can be sent to a pool. */
  readonly isPoolReady: (pool: string) => boolean;
};

/** Keeps the Service of each resource as it should be. */
export type ServiceKeeper = {
  /** The resource is gone: what `keep` finds of it is no leftover of which nobody has been told yet. */
  displace(key: ResourceKey): void;
  keep(key: ResourceKey): Promise<void>;
  /** Removes a Service of ours that no resource has. */
  sweep(name: string): Promise<void>;
  /** The Service that the resource has or should have by now; `null`: none. */
  nameOf(key: ResourceKey): string | null;
  ownerOf(name: string): ResourceKey | null;
  /** Services of resources, whosever. */
  names(): readonly string[];
};

export function createServiceKeeper(options: ServiceKeeperOptions): ServiceKeeper {
  const { mirror, writer, table, namespace, isComplete, isPoolReady } = options;
  const find = (name: string) => mirror.get('Service', name);
  const names = createServiceNames(
    (name) => find(name)?.value ?? null,
    (key) => table.get(key) !== null,
  );

  const displaced = new Set<string>();

  async function keep(key: ResourceKey): Promise<void> {
    if (!mirror.isKnown('Service')) throw new NotNow('Services cannot be listed yet');
    const entry = table.get(key);
    if (entry === null) {
      if (isComplete() || displaced.has(formatKey(key))) await remove(key);
      return;
    }
    displaced.delete(formatKey(key));
    // Until its first version has arrived, and after a restart until it is known to have.
    if (entry.served === null) return;
    const service = wishFor(key, entry.served);
    if (service === null) await remove(key);
    else await ensure(service, entry.served);
  }

  /** Its pods serve it before Kubernetes calls them ready: until then clients stay where they are. */
  async function ensure(service: Manifest, { pool, leftBehind }: Placed): Promise<void> {
    const live = find(service.metadata.name)?.value ?? null;
    const comesFrom = leftBehind.find((other) => live !== null && selectsPool(live, other));
    if (comesFrom !== undefined && !isPoolReady(pool)) {
      throw new NotNow(`no pod of pool ${pool} is ready yet`);
    }
    await writer.ensure(service);
  }

  function wishFor(key: ResourceKey, { uid, pool, listeners }: Placed): Manifest | null {
    const name = names.claim(key);
    return resourceService({ namespace, name, key, uid, pool, listeners });
  }

  async function remove(key: ResourceKey): Promise<void> {
    const name = names.find(key);
    const live = name === null ? null : find(name);
    if (live !== null) await writer.remove('Service', live);
    names.giveUp(key);
    displaced.delete(formatKey(key));
  }

  async function sweep(name: string): Promise<void> {
    const live = find(name);
    if (!isComplete() || live === null || !isOfResource(live.value)) return;
    const owner = names.ownerOf(name);
    const isNeeded = owner !== null && table.get(owner) !== null && names.find(owner) === name;
    if (!isNeeded) await writer.remove('Service', live);
  }

  const isOfResource = ({
    metadata,
  }: {
    metadata: { labels?: Readonly<Record<string, string>> };
  }) => metadata.labels?.[clusterLabels.ownerUid] !== undefined;

  return {
    keep,
    sweep,
    displace: (key) => void displaced.add(formatKey(key)),
    nameOf(key) {
      const served = table.get(key)?.served ?? null;
      const isNeeded = served !== null && wishFor(key, served) !== null;
      const name = names.find(key);
      return isNeeded || (name !== null && find(name) !== null) ? name : null;
    },
    ownerOf: names.ownerOf,
    names: () =>
      mirror
        .all('Service')
        .filter(({ value }) => isOfResource(value))
        .map(({ name }) => name),
  };
}
