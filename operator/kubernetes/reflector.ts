import type { Log } from '../../runtime/log.ts';
import type { WatchRestart } from '../metrics.ts';
import { type ApiError, isExpired, type KubernetesApi, type WatchEvent } from './api.ts';
import { createBackoff, pause } from './backoff.ts';
import { createCache, type Kept } from './cache.ts';
import type { KubernetesObject } from './objects.ts';
import { failureOf, needsListing, restartOf, watchOnce } from './watch.ts';

export type Change<T> =
  | {
      readonly type: 'put';
      readonly namespace: string;
      readonly name: string;
      readonly kept: Kept<T>;
    }
  /** One that was deleted and made again is gone first. */
  | {
      readonly type: 'gone';
      readonly namespace: string;
      readonly name: string;
      readonly kept: Kept<T>;
    };

export type ReflectorOptions<T> = {
  readonly api: KubernetesApi;
  /** A collection, by `pathOf`. */
  readonly path: string;
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
  /** What is kept of an object; all else is forgotten. */
  readonly keep: (object: KubernetesObject) => T;
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly onChange?: (change: Change<T>) => void;
  /** `complete` or `problem` is another. */
  readonly onState?: () => void;
  readonly onRestart?: (reason: WatchRestart) => void;
  readonly timing?: Partial<ReflectorTiming>;
};

export type ReflectorTiming = {
  /** The server ends a watch after this to twice this. */
  readonly watchSeconds: number;
  /** A server that says nothing for so long, no bookmark either, is not there. */
  readonly stallMs: number;
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
  readonly pageSize: number;
};

const defaultTiming: ReflectorTiming = {
  watchSeconds: 290,
  // The API server sends a bookmark about once a minute.
  stallMs: 125_000,
  firstPauseMs: 800,
  longestPauseMs: 30_000,
  pageSize: 500,
};

/** A server that is not there is not overloaded either: it is looked for more often. */
const longestPauseUnreachableMs = 4_000;
/** Relisting, those who were told to at once do not do it at once. */
const relistJitterMs = 500;
/** A server that has forgotten again what it has just listed must not be listed without end. */
const expiredAgainMs = 5_000;

/** A collection of the API server as it is now, kept up to date by list and watch. */
export type Reflector<T> = {
  get(namespace: string, name: string): Kept<T> | null;
  entries(): Iterable<Kept<T>>;
  /**
   * The collection could be listed, and nothing has been heard since that says it cannot. While
   * false, what is missing here proves nothing. What was known is kept meanwhile.
   */
  readonly complete: boolean;
  /** Why it cannot be listed now. */
  readonly problem: ApiError | null;
  /** The first complete listing is in; rejects if `signal` aborts before. */
  readonly listed: Promise<void>;
  /** Resolves some time after `signal` aborted, when nothing is told any more. */
  readonly ended: Promise<void>;
};

/** Starts listing and watching until `signal` aborts. Never throws, and never gives up. */
export function createReflector<T>(options: ReflectorOptions<T>): Reflector<T> {
  const { api, path, signal, log, keep } = options;
  const { onChange = () => undefined, onState = () => undefined } = options;
  const { onRestart = () => undefined } = options;
  const timing = { ...defaultTiming, ...options.timing };
  const selectors = selectorsOf(options);
  const cache = createCache(keep, (change) => guarded(() => onChange(change)));
  const backoff = createBackoff(timing.firstPauseMs, timing.longestPauseMs);
  const listed = Promise.withResolvers<void>();
  listed.promise.catch(() => undefined); // nobody has to wait for it
  let expiredAtMs = Number.NEGATIVE_INFINITY;
  let complete = false;
  let problem: ApiError | null = null;

  /** Who hears of changes must not end who tells of them. */
  function guarded(tell: () => void): void {
    try {
      tell();
    } catch (error) {
      log.error('a change could not be taken', { path, error });
    }
  }

  function become(isComplete: boolean, because: ApiError | null): void {
    if (complete === isComplete && problem?.message === because?.message) return;
    complete = isComplete;
    problem = because;
    guarded(onState);
    if (isComplete) listed.resolve();
  }

  /** Everything there is, as of one moment; answers which. */
  async function list(pageSize: number | null): Promise<string> {
    const items: KubernetesObject[] = [];
    let next: string | null = '';
    let resourceVersion = '';
    while (next !== null) {
      const query = pageSize === null ? selectors : { ...selectors, limit: pageSize };
      const page = await api.list(path, { ...query, continue: next }, signal);
      for (const item of page.items) items.push(item);
      next = page.continue;
      resourceVersion = page.resourceVersion;
    }
    cache.replace(items);
    return resourceVersion;
  }

  async function listInPages(): Promise<string> {
    try {
      return await list(timing.pageSize);
    } catch (error) {
      if (!isExpired(error)) throw error;
      // The server forgot between two pages what the first one was of: all in one, then.
      onRestart('expired');
      return await list(null);
    }
  }

  function take(event: WatchEvent): string {
    backoff.reset();
    if (event.type === 'BOOKMARK') return event.resourceVersion;
    if (event.type === 'DELETED') cache.remove(event.object);
    else cache.put(event.object);
    return event.object.metadata.resourceVersion;
  }

  /** Watches, again and again, until it has to be listed anew. Throws why. */
  async function follow(from: string): Promise<void> {
    let version = from;
    while (!signal.aborted) {
      const beganAt = performance.now();
      const timeoutSeconds = Math.ceil(timing.watchSeconds * (1 + Math.random()));
      const query = { ...selectors, resourceVersion: version, timeoutSeconds };
      const failure = await watchOnce(
        { api, path, query, stallMs: timing.stallMs, signal },
        (event) => {
          version = take(event);
        },
      );
      if (failure !== null) await unlessHopeless(failure);
      // A server that hangs up at once, each time, must not be asked without a pause.
      else if (performance.now() - beganAt < 1000) await backoff.pause(signal);
    }
  }

  async function unlessHopeless(failure: ApiError): Promise<void> {
    if (needsListing(failure)) throw failure;
    onRestart(restartOf(failure));
    if (failure.reason !== 'Stalled') await pauseAfter(failure);
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      try {
        const version = await listInPages();
        become(true, null);
        await follow(version);
      } catch (error) {
        if (signal.aborted) break;
        await recover(failureOf(error));
      }
    }
    listed.reject(signal.reason);
  }

  async function recover(failure: ApiError): Promise<void> {
    onRestart(restartOf(failure));
    if (isExpired(failure)) {
      const isAgain = performance.now() - expiredAtMs < expiredAgainMs;
      expiredAtMs = performance.now();
      return isAgain ? pauseAfter(failure) : pause(Math.random() * relistJitterMs, signal);
    }
    log.warn('cannot be listed or watched', { path, error: failure });
    become(false, failure);
    await pauseAfter(failure);
  }

  function pauseAfter({ status, retryAfterMs }: ApiError): Promise<void> {
    const atMostMs = status === 0 ? longestPauseUnreachableMs : timing.longestPauseMs;
    return backoff.pause(signal, { atMostMs, atLeastMs: retryAfterMs ?? 0 });
  }

  return {
    get: cache.get,
    entries: cache.entries,
    get complete() {
      return complete;
    },
    get problem() {
      return problem;
    },
    listed: listed.promise,
    ended: run(),
  };
}

function selectorsOf({
  fieldSelector,
  labelSelector,
}: Pick<ReflectorOptions<unknown>, 'fieldSelector' | 'labelSelector'>) {
  return {
    ...(fieldSelector === undefined ? {} : { fieldSelector }),
    ...(labelSelector === undefined ? {} : { labelSelector }),
  };
}
