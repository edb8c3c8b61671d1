import { text } from 'node:stream/consumers';
import { isRecord, type JsonRecord } from '../../contracts/json.ts';
import type { ApiVerb } from '../metrics.ts';
import {
  ApiError,
  type KubernetesApi,
  type ListPage,
  type WatchEvent,
  type WatchQuery,
  type WriteOptions,
} from './api.ts';
import { malformed, placeOf } from './api-failures.ts';
import type { ClusterAccess } from './cluster-access.ts';
import { type ApiRequest, createConnection } from './connection.ts';
import { limitConcurrency } from './limit-concurrency.ts';
import { isKubernetesObject, type KubernetesObject } from './objects.ts';
import { readWatch } from './watch-stream.ts';

type Options = {
  readonly access: ClusterAccess;
  /** Each request; `code` 0: no answer. Of a watch: when it began. */
  readonly onRequest?: (verb: ApiVerb, code: number, ms: number) => void;
};

const readMs = 20_000;
const listMs = 60_000;
/** Below what a lease outlives its holder: a write must not arrive when somebody else leads. */
const writeMs = 5_000;
const writesAtOnce = 32;

type Asked = {
  readonly verb: ApiVerb;
  readonly request: Omit<ApiRequest, 'signal'>;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
};

/** Connects with the first call. */
export function openKubernetesApi({ access, onRequest = () => undefined }: Options): KubernetesApi {
  const connection = createConnection(access);
  const inTurn = limitConcurrency(writesAtOnce);

  async function ask({ verb, request, timeoutMs, signal }: Asked): Promise<unknown> {
    const beganAt = performance.now();
    const ended = endOf(timeoutMs, signal);
    let code = 0;
    try {
      const response = await connection.send({ ...request, signal: ended });
      code = response.statusCode ?? 0;
      const body = await text(response).catch((cause: unknown) => {
        throw broken(request, cause);
      });
      return parse(request.path, body);
    } catch (error) {
      if (error instanceof ApiError) code = error.status;
      throw error;
    } finally {
      onRequest(verb, code, performance.now() - beganAt);
    }
  }

  async function askForObject(asked: Asked): Promise<KubernetesObject> {
    const object = await ask(asked);
    if (isKubernetesObject(object)) return object;
    throw malformed(asked.request.path, null);
  }

  /** The time a write waits for its turn is not its own. */
  function write(
    verb: ApiVerb,
    request: Omit<ApiRequest, 'signal'>,
    { signal, urgent = false, mayStart }: WriteOptions,
  ): Promise<unknown> {
    const asked = { ...request, ...(mayStart === undefined ? {} : { mayStart }) };
    const send = () => ask({ verb, request: asked, timeoutMs: writeMs, signal });
    return urgent ? send() : inTurn(send);
  }

  async function writeObject(
    verb: ApiVerb,
    method: 'POST' | 'PUT' | 'PATCH',
    path: string,
    object: JsonRecord,
    { fieldManager, ...options }: WriteOptions,
    more: { readonly query?: Query; readonly contentType?: string } = {},
  ): Promise<KubernetesObject> {
    const body = JSON.stringify(object);
    const target = withQuery(path, { fieldManager, ...more.query });
    const { contentType = 'application/json' } = more;
    const answer = await write(verb, { method, path: target, body, contentType }, options);
    if (isKubernetesObject(answer)) return answer;
    throw malformed(path, null);
  }

  return {
    server: access.server,
    namespace: access.namespace,
    now: connection.serverNow,
    get: (path, signal) =>
      askForObject({ verb: 'get', request: { method: 'GET', path }, timeoutMs: readMs, signal }),
    async list(path, query, signal) {
      const target = withQuery(path, query);
      const request = { method: 'GET', path: target } as const;
      return pageOf(path, await ask({ verb: 'list', request, timeoutMs: listMs, signal }));
    },
    async *watch(path, query, signal) {
      yield* watch(path, query, signal);
    },
    apply: (path, object, { force = false, ...options }) =>
      writeObject('patch', 'PATCH', path, object, options, {
        query: { force: String(force) },
        contentType: 'application/apply-patch+yaml',
      }),
    mergePatch: (path, patch, options = {}) =>
      writeObject('patch', 'PATCH', path, patch, options, {
        contentType: 'application/merge-patch+json',
      }),
    create: (path, object, options = {}) => writeObject('create', 'POST', path, object, options),
    replace: (path, object, options = {}) => writeObject('update', 'PUT', path, object, options),
    async delete(
      path,
      { uid, resourceVersion, propagationPolicy = 'Background', ...options } = {},
    ) {
      const preconditions = { uid, resourceVersion };
      const body = JSON.stringify({ propagationPolicy, preconditions });
      await write('delete', { method: 'DELETE', path, body }, options);
    },
    read: (path, signal) =>
      ask({ verb: 'get', request: { method: 'GET', path }, timeoutMs: readMs, signal }),
    async [Symbol.asyncDispose]() {
      connection[Symbol.dispose]();
    },
  };

  async function* watch(
    path: string,
    query: WatchQuery,
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent> {
    const target = withQuery(path, { watch: 'true', allowWatchBookmarks: 'true', ...query });
    const beganAt = performance.now();
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(timeoutReason()), readMs);
    const ended = AbortSignal.any([signal, late.signal]);
    const request = { method: 'GET', path: target } as const;
    const response = await connection
      .send({ ...request, signal: ended })
      .catch((error: unknown) => {
        const code = error instanceof ApiError ? error.status : 0;
        if (!signal.aborted) onRequest('watch', code, performance.now() - beganAt);
        throw error;
      })
      .finally(() => clearTimeout(timer));
    onRequest('watch', response.statusCode ?? 0, performance.now() - beganAt);
    try {
      yield* readWatch(path, response);
    } catch (cause) {
      throw cause instanceof ApiError ? cause : broken(request, cause);
    }
  }
}

function endOf(timeoutMs: number, signal: AbortSignal | undefined): AbortSignal {
  const late = AbortSignal.timeout(timeoutMs);
  return signal === undefined ? late : AbortSignal.any([signal, late]);
}

function timeoutReason(): DOMException {
  return new DOMException('no answer in time', 'TimeoutError');
}

type Query = Readonly<Record<string, string | number | undefined>>;

function withQuery(path: string, query: Query): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [[name, String(value)]],
  );
  return pairs.length === 0 ? path : `${path}?${new URLSearchParams(pairs)}`;
}

function parse(path: string, body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (cause) {
    throw malformed(path, cause);
  }
}

function pageOf(path: string, value: unknown): ListPage {
  const { items, metadata } = isRecord(value) ? value : {};
  if (!isRecord(metadata) || typeof metadata['resourceVersion'] !== 'string') {
    throw malformed(path, null);
  }
  const list = items ?? [];
  if (!Array.isArray(list) || !list.every(isKubernetesObject)) throw malformed(path, null);
  const next = metadata['continue'];
  return {
    items: list,
    resourceVersion: metadata['resourceVersion'],
    continue: typeof next === 'string' && next !== '' ? next : null,
  };
}

function broken({ method, path }: Omit<ApiRequest, 'signal'>, cause: unknown): ApiError {
  const problem = cause instanceof Error ? cause.message : String(cause);
  const message = `${method} ${placeOf(path)}: the connection broke: ${problem}`;
  return new ApiError(message, { status: 0, reason: 'Unreachable', cause });
}
