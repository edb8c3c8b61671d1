import type { Kind, SpecOf } from '../../contracts/kinds/all-kinds.ts';
import type { ResourceKey } from '../../contracts/resource-key.ts';

/**
 * Where resources come from: a directory now, a cluster later. Level-based: it names keys that may
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
  /** The material of a Secret, or why it cannot be had. */
  readSecret(namespace: string, name: string): ObservedSecret;
};

export type SourceChange =
  | { readonly type: 'resource'; readonly key: ResourceKey }
  | { readonly type: 'secret'; readonly namespace: string; readonly name: string }
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
      readonly holdAt: number | null;
      /** `file:line` or a field manager. */
      readonly cause: string | null;
    }
  | {
      readonly valid: false;
      readonly specDigest: string;
      readonly cause: string | null;
      /** `file:line:field: message`, one per problem. */
      readonly problems: readonly Problem[];
    }
  | null;

export type Problem = {
  readonly file: string;
  readonly line: number;
  /** `spec.listeners[0].port` */
  readonly field: string;
  readonly message: string;
};

export type ObservedSecret =
  | { readonly found: true; readonly fields: Readonly<Record<string, string>> }
  | { readonly found: false; readonly message: string };
