import type { Socket } from 'node:net';
import type { ErrorCode, ProxyError } from '../../contracts/errors.ts';
import type { Dial } from '../net/dial.ts';
import type { Relay } from '../net/relay/relay.ts';
import { startStreamRelay } from '../net/relay/stream-relay.ts';
import type { CheckedRoute } from '../protocols/checked-route.ts';
import type { Ip } from '../protocols/ip-address.ts';
import { formatTarget } from '../protocols/target.ts';
import type { ClientServing } from './client-serving.ts';
import type { Connection } from './connection.ts';
import { EarlyData } from './early-data.ts';
import type { HandshakeDone, TunnelRequest } from './tunnel-request.ts';

/** Why a tunnel ended: the relay's word, or ours. */
export type TunnelEnd =
  | 'done'
  | 'client_reset'
  | 'upstream_reset'
  | 'idle'
  | 'max_age'
  | 'half_close'
  | 'policy_changed'
  | 'drained'
  | 'client_gone';

/**
 * One client and, once dialled, one upstream, from the request to the last byte. It ends once, for
 * one reason; whatever it holds is given back there and nowhere else.
 */
export class Tunnel {
  readonly #serving: ClientServing;
  readonly #request: TunnelRequest;
  readonly #early: EarlyData;
  readonly #startedMs = Date.now();
  #route: CheckedRoute | null = null;
  #dial: Dial | null = null;
  #relay: Relay | null = null;
  #upstream: Socket | null = null;
  #upstreamIp: Ip | null = null;
  #establishedMs = 0;
  #handshakeMs = 0;
  #answering = false;
  #lastActivityMs = 0;
  #bytesSeen = 0;
  #halfClosedMs = 0;
  #ended = false;

  constructor(serving: ClientServing, request: TunnelRequest) {
    this.#serving = serving;
    this.#request = request;
    this.#early = new EarlyData(request.connection.socket, request.early, () =>
      this.#finish('client_gone'),
    );
  }

  get connection(): Connection {
    return this.#request.connection;
  }

  /** Takes a place, decides, dials, answers, relays. */
  open(): void {
    const { connection, findRoute } = this.#request;
    connection.become('tunnel');
    const full = this.#serving.takeTunnel(connection);
    if (full !== null) {
      this.#refuse('connection_limit_reached', `too many tunnels (${full})`, 'denied', false);
      return;
    }
    this.#serving.tunnels.add(this);
    this.#early.start();
    findRoute((route) => this.#routed(route));
  }

  #routed(route: CheckedRoute): void {
    if (this.#ended) return;
    this.#route = route;
    if (route.via === 'refused') {
      const failed = route.code === 'dns_error' || route.code === 'dns_timeout';
      return this.#refuse(route.code, route.message, failed ? 'failed' : 'denied', true);
    }
    const { target, tls } = this.#request;
    const timeoutMs = this.#serving.terms.timeouts.connectMs;
    const request = { addresses: route.addresses, port: target.port, timeoutMs, tls };
    this.#dial = this.#serving.context.dialer.dial(request, (failure, upstream) => {
      this.#dial = null;
      this.#dialled(failure, upstream);
    });
  }

  #dialled(failure: ProxyError | null, upstream: Socket | null): void {
    if (this.#ended) return void upstream?.destroy(); // nobody left to answer
    if (upstream === null) {
      const { code = 'connection_terminated', message = '' } = failure ?? {};
      return this.#refuse(
        code,
        `${message} (${formatTarget(this.#request.target)})`,
        'failed',
        true,
      );
    }
    this.#upstream = upstream;
    this.#upstreamIp = this.#dialledIp(upstream);
    const { handshake } = this.#request.reply;
    if (handshake === undefined) return this.#establish(upstream);
    this.#handshakeMs = Date.now();
    const done: HandshakeDone = (outcome) => {
      this.#handshakeMs = 0;
      if (this.#ended) return void upstream.destroy();
      if (outcome.result === 'tunnel') this.#establish(upstream);
      else if (outcome.result === 'failed') this.#fail(outcome.code, outcome.message);
      else this.#answered(outcome.status, outcome.sent);
    };
    const answering = () => {
      this.#answering = true;
    };
    handshake(upstream, { answering, done });
  }

  #fail(code: ErrorCode, message: string): void {
    this.#upstream?.destroy();
    if (this.#answering) this.#breakOff(code);
    else this.#refuse(code, message, 'failed', true);
  }

  /** Part of an answer is with the client: it must not take that for the whole. */
  #breakOff(code: ErrorCode): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#giveBack();
    this.#early.stop();
    const { connection, reply } = this.#request;
    connection.reset();
    this.#report(reply.statusOf(code), code, 'failed', this.#rule, { received: 0, sent: 0 });
  }

  /** The upstream said no in its own words, and the client has them. */
  #answered(status: number, sent: number): void {
    this.#ended = true;
    this.#giveBack();
    const { connection } = this.#request;
    this.#upstream?.destroy();
    this.#early.stop();
    connection.linger();
    this.#report(status, null, 'allowed', this.#rule, { received: 0, sent });
  }

  #establish(upstream: Socket): void {
    const { connection, reply } = this.#request;
    const { socket } = connection;
    this.#early.stop();
    socket.setNoDelay(true);
    reply.accept();
    this.#early.sendTo(upstream);
    const now = Date.now();
    this.#establishedMs = now;
    this.#lastActivityMs = now;
    this.#serving.meters.tunnelEstablished(reply.type, (now - this.#startedMs) / 1000);
    this.#relay = startStreamRelay(socket, upstream, (end) =>
      this.#finish(end === 'cut' ? 'drained' : end),
    );
  }

  get #rule(): string {
    return this.#route?.rule ?? this.#request.rule;
  }

  #dialledIp(upstream: Socket): Ip | null {
    if (this.#route?.via !== 'direct') return null;
    const { addresses } = this.#route;
    return addresses.find((ip) => ip.text === upstream.remoteAddress) ?? addresses[0] ?? null;
  }

  #refuse(code: ErrorCode, message: string, verdict: 'denied' | 'failed', held: boolean): void {
    const { reply } = this.#request;
    if (this.#ended) return;
    this.#ended = true;
    if (held) this.#giveBack();
    this.#early.stop();
    reply.refuse(code, message);
    this.#report(reply.statusOf(code), code, verdict, this.#rule, { received: 0, sent: 0 });
  }

  /** Why it should end now, or `null`. */
  overdue(nowMs: number): TunnelEnd | null {
    const { timeouts } = this.#serving.terms;
    if (nowMs >= this.#request.connection.cutAtMs) return 'drained';
    if (this.#relay === null) {
      // The dialer has its own deadline; only a handshake has its own here.
      if (this.#handshakeMs > 0) this.#sweepHandshake(nowMs);
      return null;
    }
    const { received, sent } = this.#relay.bytes();
    if (received + sent !== this.#bytesSeen) {
      this.#bytesSeen = received + sent;
      this.#lastActivityMs = nowMs;
    }
    if (!this.#relay.halfClosed()) this.#halfClosedMs = 0;
    else if (this.#halfClosedMs === 0) this.#halfClosedMs = nowMs;

    const { tunnelMaxMs, tunnelIdleMs, halfCloseMs } = timeouts;
    if (tunnelMaxMs > 0 && nowMs - this.#establishedMs >= tunnelMaxMs) return 'max_age';
    if (nowMs - this.#lastActivityMs >= tunnelIdleMs) return 'idle';
    if (this.#halfClosedMs > 0 && nowMs - this.#halfClosedMs >= halfCloseMs) return 'half_close';
    return null;
  }

  #sweepHandshake(nowMs: number): void {
    const { responseHeadersMs, bodyIdleMs } = this.#serving.terms.timeouts;
    if (!this.#answering) {
      const message = 'no answer to the upgrade (spec.timeouts.responseHeaders)';
      const late = nowMs - this.#handshakeMs >= responseHeadersMs;
      return late ? this.#fail('http_response_timeout', message) : undefined;
    }
    const { socket } = this.#request.connection;
    const moved = (this.#upstream?.bytesRead ?? 0) + socket.bytesWritten - socket.writableLength;
    if (moved !== this.#bytesSeen) {
      this.#bytesSeen = moved;
      this.#handshakeMs = nowMs;
    } else if (nowMs - this.#handshakeMs >= bodyIdleMs) {
      this.#fail('connection_read_timeout', 'the body stopped (spec.timeouts.bodyIdle)');
    }
  }

  /** Whether what is in force now would refuse what this tunnel does. */
  wouldBeRefused(): boolean {
    return this.#request.wouldBeRefused?.(this.#addresses()) ?? false;
  }

  /** Where it leads: while it is dialled, any of several. */
  #addresses(): readonly Ip[] | null {
    if (this.#upstreamIp !== null) return [this.#upstreamIp];
    return this.#route?.via === 'direct' ? this.#route.addresses : null;
  }

  /** Ends both sides now. Later calls do nothing. */
  end(reason: TunnelEnd): void {
    if (this.#ended) return;
    const relay = this.#relay;
    this.#finish(reason);
    relay?.cut();
    this.#request.connection.socket.destroy();
  }

  #finish(reason: TunnelEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#dial?.abort();
    if (this.#relay === null) this.#upstream?.destroy();
    this.#giveBack();
    const { connection, reply } = this.#request;
    this.#early.stop();
    connection.become('closing');
    const { received, sent } = this.#relay?.bytes() ?? { received: 0, sent: 0 };
    const code = reason === 'done' ? null : reason;
    if (this.#relay !== null) {
      this.#serving.meters.tunnelEnded(reason, (Date.now() - this.#establishedMs) / 1000);
      this.#serving.watchClosing(connection.socket, this.#upstream);
    }
    const bytes = { received: received + this.#early.bytes, sent };
    this.#report(this.#relay === null ? 499 : reply.okStatus, code, 'allowed', this.#rule, bytes);
  }

  #giveBack(): void {
    this.#serving.tunnels.delete(this);
    this.#serving.giveTunnel(this.#request.connection);
  }

  #report(
    status: number,
    code: string | null,
    verdict: 'allowed' | 'denied' | 'failed',
    rule: string,
    bytes: { readonly received: number; readonly sent: number },
  ): void {
    const { connection, target, user, method, reply } = this.#request;
    this.#serving.meters.bytes(bytes.received, bytes.sent);
    this.#serving.report({
      type: reply.type,
      connection,
      user,
      method,
      target: formatTarget(target),
      host: target.host,
      path: null,
      status,
      code,
      verdict,
      rule,
      reported: this.#route?.via === 'direct' ? this.#route.reported : [],
      upstream: this.#upstreamIp?.text ?? null,
      ...bytes,
      startedMs: this.#startedMs,
    });
  }
}
