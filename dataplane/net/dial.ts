import { connect, type Socket } from 'node:net';
import { type ErrorCode, ProxyError } from '../../contracts/errors.ts';
import type { Ip } from '../protocols/ip-address.ts';
import type { UpstreamTls } from './upstream-tls.ts';

/**
 * The one way out: every outbound connection of every feature is dialled here, to addresses that
 * were checked before. Several addresses are raced as RFC 8305 §5 says.
 */
export type Dialer = {
  dial(request: DialRequest, done: Dialled): Dial;
  /** Ends dials that are overdue; called once a second. */
  sweep(nowMs: number): void;
  /** More are open than this thread's share of descriptors: what is kept only to be used again should go. */
  crowded(): boolean;
};

export type DialRequest = {
  readonly addresses: readonly Ip[];
  readonly port: number;
  /** Until the connection can be used: the handshake of TLS is in it. */
  readonly timeoutMs: number;
  /** `null`: without TLS. */
  readonly tls: UpstreamTls | null;
};

export type Dialled = (failure: ProxyError | null, socket: Socket | null) => void;

/** A dial under way. */
export type Dial = {
  /** Gives up; `done` is not called any more. */
  abort(): void;
};

/** RFC 8305 §8 */
const attemptDelayMs = 250;
const keepAliveMs = 45_000;

type Running = { readonly deadlineMs: number; readonly expire: () => void };

export function createDialer(maxSockets = Number.POSITIVE_INFINITY): Dialer {
  const running = new Set<Running>();
  let open = 0;
  const count = (socket: Socket) => {
    open++;
    socket.once('close', () => open--);
  };
  return {
    dial: (request, done) => race(request, done, running, count),
    crowded: () => open > maxSockets,
    sweep(nowMs) {
      for (const dial of running) if (dial.deadlineMs <= nowMs) dial.expire();
    },
  };
}

function race(
  { addresses, port, timeoutMs, tls }: DialRequest,
  done: Dialled,
  running: Set<Running>,
  count: (socket: Socket) => void,
): Dial {
  const attempts = new Set<Socket>();
  let next = 0;
  let timer: NodeJS.Timeout | null = null;
  let firstFailure: ProxyError | null = null;

  const self: Running = {
    deadlineMs: Date.now() + timeoutMs,
    expire: () => finish(failure('connection_timeout', addresses[0], port), null),
  };

  function stop(winner: Socket | null): boolean {
    if (!running.delete(self)) return false;
    if (timer !== null) clearTimeout(timer);
    for (const attempt of attempts) if (attempt !== winner) attempt.destroy();
    return true;
  }

  function finish(problem: ProxyError | null, socket: Socket | null): void {
    if (stop(socket)) done(problem, socket);
  }

  function attempt(): void {
    // An address that refused may have made this one come early: its timer must not dial one more.
    if (timer !== null) clearTimeout(timer);
    const ip = addresses[next++];
    if (ip === undefined) return;
    const socket = connect({
      host: ip.text,
      port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: keepAliveMs,
      // Without it Node answers a FIN with a FIN, and the rest of an upload is lost.
      allowHalfOpen: true,
      autoSelectFamily: false,
    });
    attempts.add(socket);
    count(socket);
    const onError = (cause: NodeJS.ErrnoException) => {
      attempts.delete(socket);
      firstFailure ??= failure(codeOf(cause), ip, port, cause);
      if (!running.has(self)) return;
      if (next < addresses.length) attempt();
      else if (attempts.size === 0) finish(firstFailure, null);
    };
    socket.on('error', onError);
    socket.once('connect', () => {
      if (!running.has(self)) return;
      socket.removeListener('error', onError);
      if (tls === null) finish(null, socket);
      else secure(socket, ip, tls);
    });
    if (next < addresses.length) timer = setTimeout(attempt, attemptDelayMs);
  }

  /** The first that connects is the one, whatever comes of its handshake. */
  function secure(socket: Socket, ip: Ip, terms: UpstreamTls): void {
    if (timer !== null) clearTimeout(timer);
    for (const other of attempts) if (other !== socket) other.destroy();
    terms.handshake(socket, `${ip.text} port ${port}`, (problem, secured) => {
      attempts.delete(socket); // it lives on in the one around it
      finish(problem, secured);
    });
  }

  running.add(self);
  attempt();
  return { abort: () => void stop(null) };
}

function failure(code: ErrorCode, ip: Ip | undefined, port: number, cause?: unknown): ProxyError {
  const where = ip === undefined ? `port ${port}` : `${ip.text} port ${port}`;
  return new ProxyError(`${problems[code] ?? 'no connection'} to ${where}`, { code, cause });
}

const problems: Partial<Record<ErrorCode, string>> = {
  connection_refused: 'connection refused',
  connection_timeout: 'time-out (spec.timeouts.connect) while connecting',
  destination_ip_unroutable: 'no route',
};

const codeOfErrno: ReadonlyMap<string, ErrorCode> = new Map([
  ['ECONNREFUSED', 'connection_refused'],
  ['ETIMEDOUT', 'connection_timeout'],
  ['EHOSTUNREACH', 'destination_ip_unroutable'],
  ['ENETUNREACH', 'destination_ip_unroutable'],
  ['EADDRNOTAVAIL', 'destination_ip_unroutable'],
  ['EACCES', 'destination_ip_unroutable'],
  ['EPERM', 'destination_ip_unroutable'],
  ['ECONNRESET', 'connection_terminated'],
  ['EPIPE', 'connection_terminated'],
  ['EMFILE', 'connection_limit_reached'],
  ['ENFILE', 'connection_limit_reached'],
]);

/** What Node says went wrong with a connection, in our words. */
export function codeOf(cause: NodeJS.ErrnoException): ErrorCode {
  return codeOfErrno.get(cause.code ?? '') ?? 'connection_terminated';
}
