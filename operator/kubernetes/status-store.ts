import { clusterNames } from '../../contracts/cluster-names.ts';
import { canonicalJson, type JsonRecord } from '../../contracts/json.ts';
import type { Kind } from '../../contracts/kinds/all-kinds.ts';
import { formatKey, type ResourceKey } from '../../contracts/resource-key.ts';
import type { ResourceStatus, StatusReported } from '../../contracts/status.ts';
import type { Log } from '../../runtime/log.ts';
import type { StatusStore } from '../control-loop/source.ts';
import type { StatusWriteOutcome } from '../metrics.ts';
import { isConflict, isNotFound, type KubernetesApi } from './api.ts';
import type { Kept } from './cache.ts';
import { limitConcurrency } from './limit-concurrency.ts';
import { apiVersion, typeOfKind } from './our-types.ts';
import { keepResource, type Resource } from './read-resource.ts';
import { pathOf } from './resource-types.ts';
import { writeStatus } from './status-object.ts';

type Options = {
  readonly api: KubernetesApi;
  /** The resource as the watch knows it. */
  readonly find: (key: ResourceKey) => Kept<Resource> | null;
  /** Asked before each write: whether this operator still leads. */
  readonly mayWrite: () => boolean;
  readonly onWrite: (kind: Kind, outcome: StatusWriteOutcome) => void;
  readonly log: Log;
};

export type KubernetesStatusStore = StatusStore & {
  /** Whether this version of a resource is what our own write made of it. */
  isEcho(key: ResourceKey, seen: Kept<Resource>): boolean;
  /** The resource is gone. */
  forget(key: ResourceKey): void;
};

/** What a resource is known to be: by the watch, by our own write, or by asking. */
type Known = {
  readonly uid: string;
  readonly resourceVersion: string;
  readonly status: ResourceStatus | null;
};

const atOnce = 16;
const attempts = 3;

/**
 * Statuses in the `status` of resources. Applied server-side, so that a condition we no longer name
 * goes and one of somebody else stays; with the version they were decided on, so that neither an old
 * leader nor an old resource of the same name can be written to.
 */
export function createStatusStore(options: Options): KubernetesStatusStore {
  const { api, find, mayWrite, onWrite, log } = options;
  const inTurn = limitConcurrency(atOnce);
  /** What we wrote and the watch has not shown yet. */
  const written = new Map<string, Known>();
  /** What is being written: the watch may show it before the write is answered. */
  const underWay = new Map<string, JsonRecord>();

  function known(key: ResourceKey): Known | null {
    const id = formatKey(key);
    const seen = find(key);
    const own = written.get(id);
    if (own === undefined || seen === null) return seen === null ? null : knownOf(seen);
    const hasCaughtUp = Number(seen.resourceVersion) >= Number(own.resourceVersion);
    if (!hasCaughtUp && seen.uid === own.uid) return own;
    if (seen.resourceVersion !== own.resourceVersion) written.delete(id);
    return knownOf(seen);
  }

  /** `true`: it stands there, or has nowhere to stand any more. */
  async function write(
    report: StatusReported,
    current: Known | null,
    signal: AbortSignal,
    attemptsLeft: number,
  ): Promise<boolean> {
    const wanted = writeStatus(report.status);
    if (current?.uid !== report.uid || isSame(current.status, wanted)) return true;
    if (attemptsLeft === 0 || !mayWrite() || signal.aborted) return false;
    const outcome = await tryToWrite(report, wanted, current, signal);
    onWrite(report.kind, outcome);
    if (outcome !== 'conflict') return outcome !== 'failed';
    const fresh = await refetch(report, signal);
    return fresh !== 'failed' && (await write(report, fresh, signal, attemptsLeft - 1));
  }

  async function tryToWrite(
    report: StatusReported,
    wanted: JsonRecord,
    current: Known,
    signal: AbortSignal,
  ): Promise<StatusWriteOutcome> {
    underWay.set(formatKey(report), wanted);
    try {
      await apply(report, wanted, current, signal);
      return 'written';
    } catch (error) {
      if (isNotFound(error)) return 'gone';
      if (isConflict(error)) return 'conflict';
      log.debug('a status could not be written', { resource: formatKey(report), error });
      return 'failed';
    } finally {
      underWay.delete(formatKey(report));
    }
  }

  async function apply(
    key: ResourceKey,
    status: JsonRecord,
    { uid, resourceVersion }: Known,
    signal: AbortSignal,
  ): Promise<void> {
    const { kind, namespace, name } = key;
    const path = pathOf(typeOfKind(kind), { namespace, name, subresource: 'status' });
    const metadata = { namespace, name, uid, resourceVersion };
    const object = await api.apply(
      path,
      { apiVersion, kind, metadata, status },
      { fieldManager: clusterNames.fieldManager, force: true, signal, mayStart: mayWrite },
    );
    written.set(formatKey(key), {
      uid,
      resourceVersion: object.metadata.resourceVersion,
      status: keepResource(kind, object).status,
    });
  }

  async function refetch(
    key: StatusReported,
    signal: AbortSignal,
  ): Promise<Known | null | 'failed'> {
    const { kind, namespace, name } = key;
    try {
      const object = await api.get(pathOf(typeOfKind(kind), { namespace, name }), signal);
      const { uid = '', resourceVersion } = object.metadata;
      return { uid, resourceVersion, status: keepResource(kind, object).status };
    } catch (error) {
      if (isNotFound(error)) return null;
      log.debug('a status could not be read', { resource: formatKey(key), error });
      return 'failed';
    }
  }

  return {
    read(key, uid) {
      const current = known(key);
      return current?.uid === uid ? current.status : null;
    },
    async write(reports, signal) {
      const done = await Promise.all(
        reports.map((report) => inTurn(() => write(report, known(report), signal, attempts))),
      );
      const unwritten = reports.filter((_, index) => done[index] === false);
      // One line, however many there are: whatever the reason is, it is one and the same.
      if (unwritten.length > 0 && mayWrite() && !signal.aborted) {
        const [first] = unwritten.map(formatKey);
        log.warn('statuses could not be written', { count: unwritten.length, first });
      }
      return unwritten;
    },
    isEcho(key, { resourceVersion, value }) {
      const wanted = underWay.get(formatKey(key));
      const isUnderWay = wanted !== undefined && isSame(value.status, wanted);
      return isUnderWay || written.get(formatKey(key))?.resourceVersion === resourceVersion;
    },
    forget(key) {
      written.delete(formatKey(key));
    },
  };
}

function knownOf({ uid, resourceVersion, value }: Kept<Resource>): Known {
  return { uid, resourceVersion, status: value.status };
}

/** The API server has an order of its own. */
function isSame(status: ResourceStatus | null, wanted: JsonRecord): boolean {
  return (
    status !== null && canonicalJson(sorted(writeStatus(status))) === canonicalJson(sorted(wanted))
  );
}

function sorted({ conditions, ...rest }: JsonRecord): JsonRecord {
  const list = Array.isArray(conditions) ? conditions : [];
  return { ...rest, conditions: list.map(canonicalJson).sort() };
}
