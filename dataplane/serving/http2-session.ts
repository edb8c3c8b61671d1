import { type ClientHttp2Session, type ClientSessionOptions, connect } from 'node:http2';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { type ErrorCode, ProxyError } from '../../contracts/errors.ts';
import type { Dial, Dialer } from '../net/dial.ts';
import { formatTarget, type Target } from '../protocols/target.ts';
import {
  connectionWindowBytes,
  maxHeadBytes,
  maxPairs,
  maxSentHeadBytes,
  streamWindowBytes,
} from './http2-limits.ts';
import type { UpstreamRequest } from './upstream-pools.ts';

/** A session, and the connection it is on, which it does not always close. */
export type OpenSession = { readonly session: ClientHttp2Session; readonly socket: Socket };

export type Opened = (failure: Error | null, opened: OpenSession | null) => void;

/**
 * Connects to an origin that speaks HTTP/2, and waits for its SETTINGS (RFC 9113 §3.4): how many
 * requests it takes at once, and whether it does speak HTTP/2, is not known before.
 */
export function openHttp2Session(dialer: Dialer, to: UpstreamRequest, done: Opened): Dial {
  const { addresses, target, connectMs: timeoutMs, tls } = to;
  let settling: Dial | null = null;
  const dial = dialer.dial({ addresses, port: target.port, timeoutMs, tls }, (failure, socket) => {
    if (socket === null) return done(failure, null);
    if (tls === null || speaksHttp2(socket)) {
      settling = settle({ session: begin(socket, to), socket }, to, done);
      return;
    }
    socket.destroy();
    done(problem('tls_protocol_error', 'the origin does not offer HTTP/2', target), null);
  });
  return {
    abort() {
      dial.abort();
      settling?.abort();
    },
  };
}

/** Whether that was agreed on (RFC 7301). */
function speaksHttp2(socket: Socket): boolean {
  return socket instanceof TLSSocket && socket.alpnProtocol === 'h2';
}

function begin(socket: Socket, { target, tls }: UpstreamRequest): ClientHttp2Session {
  // The dialer's sockets may be half open, which HTTP/2 has no use for.
  socket.once('end', () => socket.destroy());
  const options: ClientSessionOptions & { readonly strictSingleValueFields: boolean } = {
    createConnection: () => socket,
    settings: {
      initialWindowSize: streamWindowBytes,
      maxHeaderListSize: maxHeadBytes,
      enablePush: false,
    },
    maxHeaderListPairs: maxPairs,
    maxSendHeaderBlockLength: maxSentHeadBytes,
    strictSingleValueFields: false, // as over HTTP/1, what repeats one is passed on
  };
  const session = connect(`${tls === null ? 'http' : 'https'}://${formatTarget(target)}`, options);
  session.setLocalWindowSize(connectionWindowBytes);
  session.on('error', () => undefined); // its close tells
  return session;
}

function settle(opened: OpenSession, { target, connectMs }: UpstreamRequest, done: Opened): Dial {
  const { session, socket } = opened;
  const refused = problem('http_protocol_error', 'the origin does not speak HTTP/2', target);
  const tooLate = problem(
    'connection_timeout',
    'no HTTP/2 in time (spec.timeouts.connect)',
    target,
  );
  const fail = (failure: Error) => {
    leave();
    socket.destroy();
    done(failure, null);
  };
  const onClose = () => fail(refused);
  const onSettings = () => {
    leave();
    done(null, opened);
  };
  const timer = setTimeout(() => fail(tooLate), connectMs);
  const leave = () => {
    clearTimeout(timer);
    session.removeListener('close', onClose);
    session.removeListener('remoteSettings', onSettings);
  };
  session.once('close', onClose);
  session.once('remoteSettings', onSettings);
  return {
    abort() {
      leave();
      socket.destroy();
    },
  };
}

function problem(code: ErrorCode, what: string, target: Target): ProxyError {
  return new ProxyError(`${what} (${formatTarget(target)})`, { code });
}
