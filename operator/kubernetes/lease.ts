import { clusterNames } from '../../contracts/cluster-names.ts';
import { isRecord, type JsonRecord } from '../../contracts/json.ts';
import { isConflict, isNotFound, type KubernetesApi } from './api.ts';
import type { KubernetesObject } from './objects.ts';
import { pathOf, resourceTypes } from './resource-types.ts';

/** The Lease object of the operators, and how one of them writes itself into it. */
export type Lease = {
  /** `null`: there is none yet. */
  read(signal: AbortSignal): Promise<KubernetesObject | null>;
  /** Writes a sign of life over what was read; `null`: it has changed since. */
  take(read: KubernetesObject | null, signal: AbortSignal): Promise<KubernetesObject | null>;
  /** Lets the next one lead at once, if it is still ours. */
  release(signal: AbortSignal): Promise<void>;
};

type Options = {
  readonly api: KubernetesApi;
  readonly namespace: string;
  readonly identity: string;
  readonly durationMs: number;
};

export function createLease({ api, namespace, identity, durationMs }: Options): Lease {
  const collection = pathOf(resourceTypes.leases, { namespace });
  const path = pathOf(resourceTypes.leases, { namespace, name: clusterNames.lease });

  async function read(signal: AbortSignal): Promise<KubernetesObject | null> {
    try {
      return await api.get(path, signal);
    } catch (error) {
      if (isNotFound(error)) return null;
      throw error;
    }
  }

  function write(
    lease: KubernetesObject | null,
    spec: JsonRecord,
    signal: AbortSignal,
  ): Promise<KubernetesObject> {
    const options = { fieldManager: clusterNames.fieldManager, signal, urgent: true };
    if (lease !== null) return api.replace(path, { ...lease, spec }, options);
    const metadata = { name: clusterNames.lease, namespace };
    const made = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec };
    return api.create(collection, made, options);
  }

  return {
    read,
    async take(lease, signal) {
      const now = microTime();
      const before = lease === null ? {} : leaseSpec(lease);
      const transitions = Number(before['leaseTransitions'] ?? 0);
      const isMine = before['holderIdentity'] === identity;
      const spec = {
        holderIdentity: identity,
        leaseDurationSeconds: Math.ceil(durationMs / 1000),
        acquireTime: isMine ? before['acquireTime'] : now,
        renewTime: now,
        leaseTransitions: lease === null || isMine ? transitions : transitions + 1,
      };
      try {
        return await write(lease, spec, signal);
      } catch (error) {
        if (isConflict(error)) return null;
        throw error;
      }
    },
    async release(signal) {
      const lease = await read(signal);
      if (lease === null || holderOf(lease) !== identity) return;
      const free = { holderIdentity: '', leaseDurationSeconds: 1, renewTime: microTime() };
      await write(lease, { ...leaseSpec(lease), ...free }, signal);
    },
  };
}

export function leaseSpec({ spec }: KubernetesObject): JsonRecord {
  return isRecord(spec) ? spec : {};
}

/** Empty: nobody. */
export function holderOf(lease: KubernetesObject): string {
  const { holderIdentity } = leaseSpec(lease);
  return typeof holderIdentity === 'string' ? holderIdentity : '';
}

/** RFC 3339 with microseconds, as `MicroTime` wants it. */
export function microTime(): string {
  return new Date().toISOString().replace('Z', '000Z');
}
