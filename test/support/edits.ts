import { setTimeout } from 'node:timers/promises';
import { ApiError, isNotFound, type KubernetesApi } from '../../operator/kubernetes/api.ts';
import type { KubernetesObject } from '../../operator/kubernetes/objects.ts';
import { apiVersion, typeOfKind } from '../../operator/kubernetes/our-types.ts';
import { pathOf } from '../../operator/kubernetes/resource-types.ts';
import { freePort } from './ports.ts';
import type { Random } from './random.ts';
import type { Edit } from './story.ts';
import type { Scope } from './teardowns.ts';
import { isDecided, type WatchedProxies } from './watch-proxies.ts';

/** People who create, edit, break, mend and delete ForwardProxies, each one of their own. */
export type Editing = {
  /** By name: everything that was done, in order. */
  readonly histories: ReadonlyMap<string, readonly Edit[]>;
  /** Resolves when this many more edits were made. */
  more(count: number): Promise<void>;
  /** No new ones; resolves when those under way are done. */
  stop(): Promise<void>;
};

export type EditingOptions = {
  readonly api: KubernetesApi;
  readonly proxies: WatchedProxies;
  readonly namespace: string;
  readonly people: number;
  readonly random: Random;
  /** A port that is taken, for edits that have to be refused. */
  readonly takenPort: number;
  /** How often somebody deletes what there is, and waits for the operator before going on. */
  readonly deletes?: number;
  readonly waits?: number;
  /** How long somebody thinks between two edits, on average. */
  readonly thinkMs?: number;
};

const retryMs = 50;
const longestOutageMs = 120_000;
const editsPerName = 12;
const firstMark = 1000;

/** Until `stop`, or the end of the test. */
export function startEditing(t: Pick<Scope, 'teardown'>, options: EditingOptions): Editing {
  const { proxies, random, takenPort } = options;
  const { people, deletes = 0.12, waits = 0.3, thinkMs = 200 } = options;
  const histories = new Map<string, Edit[]>();
  let made = 0;
  let names = 0;
  let marks = firstMark;
  const stop = new AbortController();
  t.teardown(() => stop.abort());
  let changed = Promise.withResolvers<void>();

  async function work(): Promise<void> {
    while (!stop.signal.aborted) {
      names += 1;
      const name = `edited-${names}`;
      const port = await freePort();
      const edits: Edit[] = [];
      histories.set(name, edits);
      while (!stop.signal.aborted && edits.length < editsPerName) {
        await editOnce(name, port, edits);
        await think();
      }
      if (!stop.signal.aborted && edits.at(-1)?.type === 'applied') await remove(name, edits);
    }
  }

  async function think(): Promise<void> {
    await setTimeout(random.below(2 * thinkMs), null, { signal: stop.signal }).catch(() => null);
  }

  async function editOnce(name: string, port: number, edits: Edit[]): Promise<void> {
    const last = edits.at(-1);
    if (last?.type === 'applied' && random.chance(deletes)) return remove(name, edits);
    marks += 1;
    const mark = marks;
    const isGood = random.chance(0.75);
    const isPatient = random.chance(waits);
    const { metadata } = await applyMarked(options, name, isGood ? port : takenPort, mark);
    const { uid = '', generation = 0 } = metadata;
    const index = edits.length;
    const edit = { type: 'applied', uid, generation, mark, isGood, wasDecided: false } as const;
    edits.push(edit);
    tell();
    if (!isPatient) return;
    await untilDecided(proxies, name, edit);
    edits[index] = { ...edit, wasDecided: true };
  }

  async function remove(name: string, edits: Edit[]): Promise<void> {
    const { uid = '' } = edits.at(-1) ?? {};
    await removeProxy(options, name);
    edits.push({ type: 'deleted', uid });
    tell();
  }

  function tell(): void {
    made += 1;
    changed.resolve();
    changed = Promise.withResolvers();
  }

  const all = Promise.all(Array.from({ length: people }, work));
  return {
    histories,
    async more(count) {
      const goal = made + count;
      while (made < goal) await Promise.race([changed.promise, all]);
    },
    async stop() {
      stop.abort();
      await all;
    },
  };
}

/** Edits one by one, for a test that says which. */
export type Hand = Pick<Editing, 'histories'> & {
  /** A good edit, another each time unless the mark is given. */
  apply(name: string, mark?: number): Promise<void>;
  remove(name: string): Promise<void>;
  /** Resolves when the operator has spoken of the last edit. */
  decided(name: string): Promise<void>;
};

export function createHand(options: Pick<EditingOptions, 'api' | 'namespace' | 'proxies'>): Hand {
  const histories = new Map<string, Edit[]>();
  const ports = new Map<string, number>();
  let marks = firstMark;

  function editsOf(name: string): Edit[] {
    const edits = histories.get(name) ?? [];
    histories.set(name, edits);
    return edits;
  }

  return {
    histories,
    async apply(name, mark) {
      marks += 1;
      const port = ports.get(name) ?? (await freePort());
      ports.set(name, port);
      const limit = mark ?? marks;
      const { uid = '', generation = 0 } = (await applyMarked(options, name, port, limit)).metadata;
      const decision = { mark: limit, isGood: true, wasDecided: false };
      editsOf(name).push({ type: 'applied', uid, generation, ...decision });
    },
    async remove(name) {
      const { uid = '' } = editsOf(name).at(-1) ?? {};
      await removeProxy(options, name);
      editsOf(name).push({ type: 'deleted', uid });
    },
    async decided(name) {
      const edits = editsOf(name);
      const last = edits.at(-1);
      if (last?.type !== 'applied') return;
      await untilDecided(options.proxies, name, last);
      edits.splice(-1, 1, { ...last, wasDecided: true });
    },
  };
}

async function untilDecided(
  proxies: WatchedProxies,
  name: string,
  { uid, generation }: { readonly uid: string; readonly generation: number },
): Promise<void> {
  await proxies.until(
    name,
    (object) => object.metadata.uid === uid && isDecided(object, generation),
  );
}

/** Applied again until it is answered: an edit whose answer was lost is the same edit. */
export async function applyMarked(
  { api, namespace }: Pick<EditingOptions, 'api' | 'namespace'>,
  name: string,
  port: number,
  mark: number,
  address = '127.0.0.1',
): Promise<KubernetesObject> {
  const object = {
    apiVersion,
    kind: 'ForwardProxy',
    metadata: { name, namespace },
    spec: {
      listeners: [{ name: 'all', port, address }],
      connect: { allowedPorts: ['1-65535'] },
      egress: { addressPolicy: { allowCIDRs: ['127.0.0.0/8'] } },
      limits: { connections: mark },
    },
  };
  const path = pathOf(typeOfKind('ForwardProxy'), { namespace, name });
  return await insist(() => api.apply(path, object, { fieldManager: 'people', force: true }));
}

export async function removeProxy(
  { api, namespace }: Pick<EditingOptions, 'api' | 'namespace'>,
  name: string,
): Promise<void> {
  const path = pathOf(typeOfKind('ForwardProxy'), { namespace, name });
  await insist(() =>
    api.delete(path).catch((error: unknown) => {
      if (!isNotFound(error)) throw error; // deleted before, and the answer was lost
    }),
  );
}

/** Until the API server is there and answers. */
async function insist<T>(request: () => Promise<T>): Promise<T> {
  const giveUpAt = performance.now() + longestOutageMs;
  for (;;) {
    try {
      return await request();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const isAway = error.status === 0 || error.status >= 500 || error.status === 429;
      if (!isAway || performance.now() > giveUpAt) throw error;
      await setTimeout(retryMs);
    }
  }
}
