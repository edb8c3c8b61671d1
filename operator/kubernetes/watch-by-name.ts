import type { Reflector, ReflectorOptions } from './reflector.ts';

/** Objects by name, each watched from the first time it is read until nobody reads it any more. */
export type WatchedByName<Value> = {
  /** Throws `ApiError` if it cannot be told now. */
  read(namespace: string, name: string): Promise<Value>;
  readonly size: number;
  readonly ended: Promise<void>;
};

export type Watching<Value> = {
  readonly reflectors: readonly Pick<Reflector<unknown>, 'ended'>[];
  /** What is known of it now. Throws `ApiError` if nothing is. */
  observe(): Value;
};

export type WatchTold = {
  readonly signal: AbortSignal;
  /** Another object, or another version of it. */
  onChange(): void;
  /** It could be listed, or it was said why not; of which of the reflectors. */
  onState(reflector: number): void;
};

export type WatchByNameOptions<Value> = {
  readonly signal: AbortSignal;
  /** Begins to watch all that has to be known of one name. */
  readonly watch: (namespace: string, name: string, told: WatchTold) => Watching<Value>;
  readonly onChange: (namespace: string, name: string) => void;
  /** After this without a read, `onChange` asks who still needs it; after twice this it is let go. */
  readonly idleMs?: number;
};

/** How what resources refer to is watched, whatever it is. */
export type ReferredOptions = Pick<
  ReflectorOptions<unknown>,
  'api' | 'log' | 'onRestart' | 'timing'
> &
  Pick<WatchByNameOptions<unknown>, 'signal' | 'onChange' | 'idleMs'>;

type Watched<Value> = Watching<Value> & {
  readonly namespace: string;
  readonly name: string;
  /** Every part of it could be listed, or it was said why not. */
  readonly known: Promise<void>;
  readonly stop: AbortController;
  /** Who waits for its first listing. */
  waiting: number;
  readAt: number;
  askedAt: number | null;
};

const defaultIdleMs = 3600 * 1000;

export function watchByName<Value>(options: WatchByNameOptions<Value>): WatchedByName<Value> {
  const { signal, watch, onChange, idleMs = defaultIdleMs } = options;
  const watched = new Map<string, Watched<Value>>();
  const ending = new Set<Promise<void>>();

  function start(namespace: string, name: string): Watched<Value> {
    const stop = new AbortController();
    const known = Promise.withResolvers<void>();
    const ended = AbortSignal.any([signal, stop.signal]);
    const told = new Set<number>();
    let isKnown = false;
    const watching = watch(namespace, name, {
      signal: ended,
      onChange: () => void (isKnown && onChange(namespace, name)),
      onState(reflector) {
        if (isKnown) return onChange(namespace, name);
        told.add(reflector);
        if (told.size < watching.reflectors.length) return;
        isKnown = true;
        known.resolve();
      },
    });
    ended.addEventListener('abort', () => known.resolve(), { once: true });
    for (const reflector of watching.reflectors) {
      ending.add(reflector.ended);
      void reflector.ended.then(() => ending.delete(reflector.ended));
    }
    const readAt = performance.now();
    const state = { waiting: 0, readAt, askedAt: null };
    return { ...watching, namespace, name, known: known.promise, stop, ...state };
  }

  function sweep(): void {
    const now = performance.now();
    for (const [id, each] of watched) {
      if (each.waiting > 0 || now - each.readAt < idleMs) continue;
      if (each.askedAt === null || each.askedAt < each.readAt) {
        each.askedAt = now;
        onChange(each.namespace, each.name);
      } else if (now - each.askedAt >= idleMs) {
        each.stop.abort();
        watched.delete(id);
      }
    }
  }

  const timer = setInterval(sweep, idleMs / 4);
  signal.addEventListener('abort', () => clearInterval(timer), { once: true });
  if (signal.aborted) clearInterval(timer);

  return {
    async read(namespace, name) {
      signal.throwIfAborted(); // nothing would ever be told
      const id = `${namespace}/${name}`;
      const each = watched.get(id) ?? start(namespace, name);
      watched.set(id, each);
      each.waiting += 1;
      await each.known;
      each.waiting -= 1;
      each.readAt = performance.now();
      signal.throwIfAborted();
      return each.observe();
    },
    get size() {
      return watched.size;
    },
    ended: untilEnded(signal, ending),
  };
}

async function untilEnded(signal: AbortSignal, ending: ReadonlySet<Promise<void>>): Promise<void> {
  const aborted = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => aborted.resolve(), { once: true });
  if (signal.aborted) aborted.resolve();
  await aborted.promise;
  await Promise.all(ending);
}
