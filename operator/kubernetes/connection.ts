import { createHash } from 'node:crypto';
import { type ClientRequest, type IncomingMessage, request as requestPlain } from 'node:http';
import { Agent, type RequestOptions, request as requestTls } from 'node:https';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { ApiError } from './api.ts';
import { apiErrorOf, placeOf } from './api-failures.ts';
import type { ClusterAccess, Credentials } from './cluster-access.ts';

export type ApiRequest = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With its query. */
  readonly path: string;
  readonly body?: string;
  readonly contentType?: string;
  readonly signal: AbortSignal;
  /** Asked when a connection is ready to take it: whether it is still to be sent. */
  readonly mayStart?: () => boolean;
};

/** Kept connections to one API server. */
export type Connection = Disposable & {
  /** The head of a successful answer; its body is still to be read. Throws `ApiError`. */
  send(request: ApiRequest): Promise<IncomingMessage>;
  /** Milliseconds since the epoch, by the API server's clock. */
  serverNow(): number;
};

/** Tokens live for minutes at least; a rotated one is also noticed by a 401. */
const credentialsKeptMs = 60_000;
/** The kernel finds a dead peer 10 probes of 1 s after this silence. */
const keepAliveMs = 10_000;

export function createConnection(access: ClusterAccess): Connection {
  let known: { readonly at: number; readonly credentials: Promise<Credentials> } | null = null;
  let pool: { readonly id: string; readonly agent: Agent } | null = null;
  let ahead = 0;

  function credentials(): Promise<Credentials> {
    const now = performance.now();
    if (known === null || now - known.at > credentialsKeptMs) {
      known = { at: now, credentials: access.credentials() };
      known.credentials.catch(() => {
        known = null;
      });
    }
    return known.credentials;
  }

  /** Another certificate needs other connections; those in use go on until they end. */
  function agentFor({ tls, agent }: Credentials): Agent {
    if (agent !== null) return agent;
    const hash = createHash('sha256');
    for (const each of [tls.ca, tls.cert, tls.key]) hash.update(`${String(each)}\0`);
    const id = hash.digest('base64');
    if (pool?.id !== id) pool = { id, agent: new Agent({ keepAlive: true, ...tls }) };
    return pool.agent;
  }

  async function sendOnce(request: ApiRequest): Promise<IncomingMessage> {
    const { method, path, body, contentType = 'application/json', signal } = request;
    const { headers, tls, agent } = await credentials();
    const url = new URL(access.server);
    const options: RequestOptions = {
      method,
      host: url.hostname.replaceAll(/[[\]]/g, ''),
      port: url.port,
      path: `${url.pathname.replace(/\/$/, '')}${path}`,
      signal,
      headers: {
        accept: 'application/json',
        'user-agent': 'headgate',
        ...headers,
        ...(body === undefined
          ? {}
          : { 'content-type': contentType, 'content-length': Buffer.byteLength(body) }),
      },
    };
    const sent =
      url.protocol === 'http:'
        ? requestPlain(options)
        : requestTls({ ...options, ...tls, agent: agentFor({ headers, tls, agent }) });
    sent.setSocketKeepAlive(true, keepAliveMs);
    return answerTo(sent, request);
  }

  /** A kept connection may have been closed at the moment it was used again: nothing was done then. */
  async function send(request: ApiRequest, attempts = 2): Promise<IncomingMessage> {
    try {
      const response = await sendOnce(request);
      noteTime(response);
      if (response.statusCode === 401 && attempts > 1) {
        response.resume();
        known = null;
        return await send(request, attempts - 1);
      }
      if ((response.statusCode ?? 0) >= 300) throw await apiErrorOf(request, response);
      return response;
    } catch (cause) {
      if (cause instanceof ApiError) throw cause;
      if (cause instanceof StaleConnection && request.method !== 'POST' && attempts > 1) {
        return await send(request, attempts - 1);
      }
      throw unanswered(access.server, request, cause);
    }
  }

  function noteTime({ headers }: IncomingMessage): void {
    const theirs = Date.parse(headers.date ?? '');
    if (!Number.isNaN(theirs)) ahead = theirs - performance.now();
  }

  return {
    send,
    serverNow: () => (ahead === 0 ? Date.now() : ahead + performance.now()),
    [Symbol.dispose]: () => pool?.agent.destroy(),
  };
}

/** A kept connection that was found closed. */
class StaleConnection extends Error {
  override readonly name = 'StaleConnection';
}

function answerTo(
  sent: ClientRequest,
  { method, path, body, mayStart = () => true }: ApiRequest,
): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  sent.once('response', resolve);
  sent.on('error', (cause: NodeJS.ErrnoException) => {
    const isStale = sent.reusedSocket && (cause.code === 'ECONNRESET' || cause.code === 'EPIPE');
    reject(isStale ? new StaleConnection(cause.message, { cause }) : cause);
  });
  sent.once('socket', (socket) =>
    whenReady(socket, () => {
      // Only now: a process may be stopped for long while it waits for a handshake.
      if (mayStart()) sent.end(body);
      else sent.destroy(withdrawn(method, path));
    }),
  );
  return promise;
}

function withdrawn(method: string, path: string): ApiError {
  const message = `${method} ${placeOf(path)}: not sent, for another may lead by now`;
  return new ApiError(message, { status: 0, reason: 'Withdrawn' });
}

/** Calls at once for a kept connection. */
function whenReady(socket: Socket, call: () => void): void {
  const isTls = socket instanceof TLSSocket;
  const isReady = isTls ? socket.getFinished() !== undefined : !socket.connecting;
  if (isReady) call();
  else socket.once(isTls ? 'secureConnect' : 'connect', call);
}

function unanswered(
  server: string,
  { method, path, signal }: ApiRequest,
  cause: unknown,
): ApiError {
  const reason = isTimeout(signal.reason) ? 'Timeout' : 'Unreachable';
  const problem = cause instanceof Error ? cause.message : String(cause);
  const what = reason === 'Timeout' ? 'no answer in time' : problem;
  const message = `${method} ${server}${path}: ${what}`;
  return new ApiError(message, { status: 0, reason, cause });
}

function isTimeout(reason: unknown): boolean {
  return reason instanceof DOMException && reason.name === 'TimeoutError';
}
