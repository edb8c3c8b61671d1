import { type ErrorCode, errorCodes } from '../../../../contracts/errors.ts';
import type { SocksVersion } from '../../../../contracts/kinds/forward-proxy/config.ts';
import {
  maxMessageBytes,
  methodReply,
  methods,
  parseGreeting,
  parsePassword,
  parseRequest4,
  parseRequest5,
  passwordReply,
  reply4,
  reply5,
  type SocksRequest,
} from '../../../protocols/socks.ts';
import type { Connection } from '../../../serving/connection.ts';
import { reportRefusal } from '../../../serving/refuse.ts';
import { Tunnel } from '../../../serving/tunnel.ts';
import { authenticate } from './authentication.ts';
import type { ForwardProxyServing } from './forward-proxy-serving.ts';
import { tunnelRoute } from './tunnel-route.ts';

/** Takes what the steps before left over and answers how many bytes it used; `null`: it needs more. */
type Step = (bytes: Buffer) => number | null;

/** A SOCKS handshake, byte by byte or all at once; the sweep ends who stalls. */
export function serveSocks(
  proxy: ForwardProxyServing,
  connection: Connection,
  first: Buffer,
): void {
  new Handshake(proxy, connection).begin(first);
}

class Handshake {
  readonly #proxy: ForwardProxyServing;
  readonly #connection: Connection;
  readonly #startedMs = Date.now();
  #received: Buffer = Buffer.alloc(0);
  #step: Step | null = null;
  #user: string | null = null;

  constructor(proxy: ForwardProxyServing, connection: Connection) {
    this.#proxy = proxy;
    this.#connection = connection;
  }

  begin(first: Buffer): void {
    const { socket } = this.#connection;
    this.#connection.state = 'socks'; // since the connection was accepted: sniffing counts too
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    this.#step = first[0] === 4 ? this.#request4 : this.#greeting;
    this.#onData(first);
    // Not while a password is checked: what comes meanwhile waits in the socket.
    if (this.#step !== null) socket.resume();
  }

  readonly #onEnd = (): void => {
    this.#connection.socket.destroy();
  };

  readonly #onData = (chunk: Buffer): void => {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    this.#advance();
  };

  #advance(): void {
    while (this.#step !== null) {
      const used = this.#step(this.#received);
      if (used === null) {
        // No message is this long: whoever sends more without finishing one never will.
        if (this.#received.length > maxMessageBytes) this.#hangUp();
        return;
      }
      this.#received = this.#received.subarray(used);
    }
  }

  /** Nothing is parsed until somebody decides; bytes wait in the socket. */
  #wait(): void {
    this.#step = null;
    this.#connection.socket.pause();
  }

  #leave(): void {
    const { socket } = this.#connection;
    this.#step = null;
    socket.removeListener('data', this.#onData);
    socket.removeListener('end', this.#onEnd);
  }

  #hangUp(): void {
    this.#leave();
    this.#connection.socket.destroy();
  }

  readonly #greeting: Step = (bytes) => {
    const greeting = parseGreeting(bytes);
    if (greeting === null) return null;
    const wanted =
      this.#proxy.policy.config.authentication.mode === 'None' ? methods.none : methods.password;
    if (greeting.methods.length === 0) {
      this.#hangUp();
      return greeting.used;
    }
    const problem = this.#greetingProblem(wanted, greeting.methods);
    if (problem !== null) {
      this.#say(methodReply(methods.unacceptable), problem, 'socks5');
    } else {
      this.#connection.socket.write(methodReply(wanted));
      this.#step = wanted === methods.none ? this.#request5 : this.#password;
    }
    return greeting.used;
  };

  #greetingProblem(wanted: number, offered: readonly number[]): ErrorCode | null {
    const version = this.#versionProblem('SOCKS5');
    if (version !== null) return version;
    if (!offered.includes(wanted)) return 'authentication_required';
    // Said before a password is looked at; without one the request is answered, which says more.
    const denied = wanted === methods.password && !this.#proxy.clientAllowed(this.#connection);
    return denied ? 'client_address_denied' : null;
  }

  readonly #password: Step = (bytes) => {
    const message = parsePassword(bytes);
    if (message === null) return null;
    const { credentials, used } = message;
    if (credentials === null) {
      this.#say(passwordReply(false), 'authentication_required', 'socks5');
      return used;
    }
    this.#wait();
    authenticate(this.#proxy, this.#connection.client, credentials, (failure, user) => {
      if (this.#connection.socket.destroyed) return;
      if (failure !== null) return this.#say(passwordReply(false), failure, 'socks5');
      this.#user = user;
      this.#connection.socket.write(passwordReply(true));
      this.#step = this.#request5;
      // Called back at once, the loop of #advance goes on by itself after this step.
      queueMicrotask(() => this.#goOn());
    });
    return used;
  };

  #goOn(): void {
    this.#advance();
    if (this.#step !== null) this.#connection.socket.resume();
  }

  readonly #request5: Step = (bytes) => {
    const request = parseRequest5(bytes);
    if (request === null) return null;
    this.#serve(request, 'socks5', (code) => reply5(code));
    return request.used;
  };

  readonly #request4: Step = (bytes) => {
    const request = parseRequest4(bytes);
    if (request === null) return null;
    this.#user = null;
    this.#serve(request, 'socks4', (code) => reply4(code));
    return request.used;
  };

  #serve(
    request: SocksRequest,
    type: 'socks4' | 'socks5',
    reply: (code: ErrorCode | null) => Uint8Array,
  ): void {
    const { target, version, problem, used } = request;
    if (!this.#proxy.clientAllowed(this.#connection)) {
      return this.#say(reply('client_address_denied'), 'client_address_denied', type);
    }
    const versionProblem = this.#versionProblem(version);
    if (versionProblem !== null) return this.#say(reply(versionProblem), versionProblem, type);
    if (target === null || problem !== null) {
      const code = problem ?? 'http_request_error';
      return this.#say(reply(code), code, type);
    }
    const early = Buffer.from(this.#received.subarray(used));
    this.#received = Buffer.alloc(0);
    const { socket } = this.#connection;
    socket.pause();
    this.#leave();
    new Tunnel(this.#proxy, {
      connection: this.#connection,
      ...tunnelRoute(this.#proxy, this.#connection, { target, tunnel: 'socks' }),
      user: this.#user,
      method: null,
      early,
      reply: {
        type,
        okStatus: type === 'socks5' ? 0 : 90,
        statusOf: (code) => errorCodes[code][type],
        accept: () => void socket.write(reply(null)),
        refuse: (code) => {
          socket.write(reply(code));
          this.#connection.linger();
        },
      },
    }).open();
  }

  /** SOCKS4 has no passwords: with authentication on, nobody gets in by speaking it. */
  #versionProblem(version: SocksVersion): ErrorCode | null {
    const { listeners, config } = this.#proxy.policy;
    const needsPassword = config.authentication.mode !== 'None';
    if (version !== 'SOCKS5' && needsPassword) return 'authentication_required';
    const listener = listeners.get(this.#connection.listener);
    return listener?.socksVersions.includes(version) ? null : 'version_unsupported';
  }

  /** Answers a refusal, and keeps the socket just long enough for it to arrive. */
  #say(answer: Uint8Array, code: ErrorCode, type: 'socks4' | 'socks5'): void {
    this.#leave();
    const { socket } = this.#connection;
    socket.write(answer);
    this.#connection.linger();
    reportRefusal(this.#proxy, {
      type,
      connection: this.#connection,
      code,
      startedMs: this.#startedMs,
      user: this.#user,
    });
  }
}
