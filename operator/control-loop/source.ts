import type { Kind, SpecOf } from '../../contracts/kinds/all-kinds.ts';
import type { ResourceKey } from '../../contracts/resource-key.ts';
import type { ResourceStatus, StatusReported } from '../../contracts/status.ts';
import type { Refusal } from '../kinds/decider.ts';
import type { CrossReference } from '../reference-grants.ts';
import type { ObservedService, UnusableService } from '../service-endpoints.ts';

/**
 * Where resources come from: a directory or a cluster. Level-based: it names keys that may
 * have changed, and answers what they look like at this moment.
 */
export type Source = AsyncDisposable & {
  /** Identifies this source in events (`directory:<uuid>`, or the kube-system uid): a leader never removes another source's resources. */
  readonly id: string;
  /** Keys that may have changed, `null` once when the first complete listing is known. Ends with `signal`. */
  changes(signal: AbortSignal): AsyncIterable<SourceChange>;
  /** Every key that exists now. `complete` is false while a part of the source cannot be read: then absence proves nothing. */
  list(): { readonly keys: readonly ResourceKey[]; readonly complete: boolean };
  read<K extends Kind>(key: ResourceKey & { readonly kind: K }): Observed<K>;
  /** The material of a Secret, or why it cannot be had. A cluster watches it from now on. Throws if that cannot be told now: it is tried again. */
  readSecret(namespace: string, name: string): Promise<ObservedSecret>;
  /** Who serves a Service, or why nobody can; watched and told like a Secret. */
  readService(namespace: string, name: string): Promise<ObservedService>;
  /** Why a resource may not refer to a Service of another namespace; `null`: it may. Watched and told like a Secret. */
  refuseReference(reference: CrossReference): Promise<UnusableService | null>;
  /** Asked before a resource that `list` lacks is removed: whether it is certainly gone. */
  confirmAbsent(key: ResourceKey): Promise<boolean>;
  /** Why a resource may not be in a pool; `null`: it may. */
  refuseInPool(pool: string, namespace: string): Refusal | null;
  /** Where status goes; `null`: into the log. */
  readonly statuses: StatusStore | null;
};

/** Status objects outside of the log. */
export type StatusStore = {
  /** What stands there, of the resource with this uid; what was written last, as soon as it is written. */
  read(key: ResourceKey, uid: string): ResourceStatus | null;
  /**
   * Writes each, answers those that could not be written now and should be tried again. One whose
   * resource is gone, or another by now, counts as written.
   */
  write(
    reports: readonly StatusReported[],
    signal: AbortSignal,
  ): Promise<readonly StatusReported[]>;
};

export type SourceChange =
  | { readonly type: 'resource'; readonly key: ResourceKey }
  | { readonly type: 'secret'; readonly namespace: string; readonly name: string }
  /** It, or who serves it. */
  | { readonly type: 'service'; readonly namespace: string; readonly name: string }
  /** What may be referred to in this namespace. */
  | { readonly type: 'grants'; readonly namespace: string }
  /** What pools there are, and for whom, has changed: every resource has to be looked at. */
  | { readonly type: 'pools' }
  /** The first listing is in; once more whenever a listing that was incomplete has become complete. */
  | { readonly type: 'synced' }
  /** Something that belongs to no resource: a file that is not YAML, a document of an unknown kind. `where` is `file:line`. */
  | { readonly type: 'problem'; readonly where: string; readonly message: string }
  | { readonly type: 'problemSolved'; readonly where: string };

/** What a user wrote, as far as the schema can tell; `null`: it is not there. */
export type Observed<K extends Kind> =
  | {
      readonly valid: true;
      /** The schema's defaults are applied. */
      readonly spec: SpecOf<K>;
      readonly specDigest: string;
      /** Given by a cluster; a directory leaves both to the log. */
      readonly uid?: string;
      readonly generation?: number;
      /** When it was made; among resources without a port in the log the oldest goes first. */
      readonly createdAt?: string;
      readonly holdAt: number | null;
      /** `file:line` or a field manager. */
      readonly cause: string | null;
    }
  | {
      readonly valid: false;
      readonly specDigest: string;
      readonly uid?: string;
      readonly generation?: number;
      readonly createdAt?: string;
      readonly cause: string | null;
      /** `file:line:field: message`, one per problem. */
      readonly problems: readonly Problem[];
    }
  | null;

export type Problem = {
  /** Empty in a cluster. */
  readonly file: string;
  /** From 1; 0: the file, or directory, as a whole. */
  readonly line: number;
  /** `spec.listeners[0].port` */
  readonly field: string;
  readonly message: string;
};

export type ObservedSecret =
  | { readonly found: true; readonly fields: Readonly<Record<string, string>> }
  | { readonly found: false; readonly message: string };
