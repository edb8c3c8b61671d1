import type { JsonRecord } from '../../contracts/json.ts';
import type { KubernetesObject } from './objects.ts';

/**
 * The API server, one call each. Paths come from `pathOf`. Everything throws {@link ApiError}, and
 * nothing waits for ever.
 */
export type KubernetesApi = AsyncDisposable & {
  /** `https://10.96.0.1:443`: for messages. */
  readonly server: string;
  /** The namespace of the service account, or of the current context. */
  readonly namespace: string;
  /** Milliseconds since the epoch by the API server's clock, as of its last answer; to the second. */
  now(): number;
  /** The newest there is, never from a cache. */
  get(path: string, signal?: AbortSignal): Promise<KubernetesObject>;
  /** One page of a collection. */
  list(path: string, query: ListQuery, signal?: AbortSignal): Promise<ListPage>;
  /** Events as they come, until the server ends the stream; breaks with an {@link ApiError}. */
  watch(path: string, query: WatchQuery, signal: AbortSignal): AsyncIterable<WatchEvent>;
  /** Server-side apply: makes it, or changes the fields named and lets go of those named before. */
  apply(path: string, object: JsonRecord, options: ApplyOptions): Promise<KubernetesObject>;
  /** JSON merge patch (RFC 7396). */
  mergePatch(path: string, patch: JsonRecord, options?: WriteOptions): Promise<KubernetesObject>;
  /** Into a collection. 409 with reason `AlreadyExists` if there is one of that name. */
  create(path: string, object: JsonRecord, options?: WriteOptions): Promise<KubernetesObject>;
  /** The whole object; with `metadata.resourceVersion`, 409 if it has changed since. */
  replace(path: string, object: JsonRecord, options?: WriteOptions): Promise<KubernetesObject>;
  /** 404 if it is gone, 409 if it is another by now. */
  delete(path: string, options?: DeleteOptions): Promise<void>;
  /** Any other GET that answers JSON: `/version`, a discovery document. */
  read(path: string, signal?: AbortSignal): Promise<unknown>;
};

export type ListQuery = {
  readonly limit?: number;
  readonly continue?: string;
  /** `0`: any that the server has at hand, which may be old. Without it: the newest. */
  readonly resourceVersion?: string;
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
};

export type ListPage = {
  readonly items: readonly KubernetesObject[];
  readonly resourceVersion: string;
  /** Where the next page begins; `null`: this was the last one. */
  readonly continue: string | null;
};

export type WatchQuery = {
  readonly resourceVersion: string;
  /** The server ends the stream after this. */
  readonly timeoutSeconds: number;
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
};

export type WatchEvent =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: KubernetesObject }
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string };

export type WriteOptions = {
  readonly fieldManager?: string;
  readonly signal?: AbortSignal;
  /** Waits for no turn. */
  readonly urgent?: boolean;
  /** Asked as the last thing before it is sent, which may be long after it was called: whether it still is to be. */
  readonly mayStart?: () => boolean;
};

export type ApplyOptions = WriteOptions & {
  readonly fieldManager: string;
  /** Take over fields of other managers; without it they are a 409. */
  readonly force?: boolean;
};

export type DeleteOptions = {
  /** Only this very object. */
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  readonly signal?: AbortSignal;
  /** As of {@link WriteOptions}. */
  readonly mayStart?: () => boolean;
};

/** The API server refused, or could not be asked. Never quotes a Secret. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** HTTP status; 0 if there was no answer. */
  readonly status: number;
  /** `NotFound`, `Forbidden`, `Conflict`, `AlreadyExists`, `Expired`, …; `Unreachable` or `Timeout` without an answer. */
  readonly reason: string;
  /** When the server wishes to be asked again. */
  readonly retryAfterMs: number | null;

  constructor(
    message: string,
    {
      status,
      reason,
      retryAfterMs = null,
      cause,
    }: { status: number; reason: string; retryAfterMs?: number | null; cause?: unknown },
  ) {
    super(message, { cause });
    this.status = status;
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }
}

export function isNotFound(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404;
}

/** Somebody else was faster: read again and try again. */
export function isConflict(error: unknown): boolean {
  return error instanceof ApiError && error.status === 409;
}

/** What was asked for by its version is not kept any more: list again. */
export function isExpired(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 410 || error.reason === 'Expired');
}
