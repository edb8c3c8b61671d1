import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import { isDeepStrictEqual } from 'node:util';
import type { ErrorCode } from '../../../../contracts/errors.ts';
import type { Kind } from '../../../../contracts/kinds/all-kinds.ts';
import type {
  ListenerTls,
  MirrorRouteConfig,
} from '../../../../contracts/kinds/mirror-route/config.ts';
import { compileAddressPolicy, compileCidrs } from '../../../protocols/address-policy.ts';
import { type HttpRefusal, httpRefusal, routeMethods } from '../../../protocols/connect-reply.ts';
import { accessLogLine, type Outcome } from '../../../serving/access-log.ts';
import type { ClientMessage, ClientRequest } from '../../../serving/client-message.ts';
import { ClientServing } from '../../../serving/client-serving.ts';
import type { Connection } from '../../../serving/connection.ts';
import type { AddressRules } from '../../../serving/find-addresses.ts';
import { isHttp2Start, serveHttp2 } from '../../../serving/http2.ts';
import { isHttpStart, serveHttp } from '../../../serving/keep-connection.ts';
import { refuseRaw, reportRefusal } from '../../../serving/refuse.ts';
import type { ServingTerms } from '../../../serving/serving-terms.ts';
import { createTlsListener, type TlsListener } from '../../../serving/tls-listener.ts';
import { createUpstreamPools, type UpstreamPools } from '../../../serving/upstream-pools.ts';
import type { Serving, Sharers, WorkerContext } from '../../../workers/context.ts';
import type { ServedResource } from '../../../workers/messages.ts';
import { chooseRoute, type Routing } from '../choose-route.ts';
import { compileHostnames } from '../hostnames.ts';
import { createMirrorEngine, type MirrorEngine } from '../mirroring/mirror-engine.ts';
import { type PickEndpoint, pickInTurn } from '../pick-endpoint.ts';
import { compileRouteTable } from '../route-table.ts';
import { createRouteMeters, type RouteMeters } from './route-meters.ts';
import { connectRefused, RoutedExchange } from './routed-exchange.ts';
import { serveUpgrade } from './upgrade.ts';

/** One MirrorRoute in one thread: its routes of now, and everything that is open under it. */
export class MirrorRouteServing extends ClientServing implements Serving<'MirrorRoute'> {
  readonly noRule = 'none';
  readonly meters: RouteMeters;
  /** Of backends only: a mirror has pools of its own. */
  readonly pools: UpstreamPools;
  readonly mirrors: MirrorEngine;
  #resource: ServedResource<'MirrorRoute'>;
  #terms: ServingTerms;
  #routing: Routing;
  #addressRules: AddressRules;
  #endpoints: PickEndpoint;
  /** Until then copies are waited for; later than a drain allows nobody waits for a mirror. */
  #copiesUntilMs = Number.POSITIVE_INFINITY;
  /** By listener: who shares it. */
  readonly #sharers = new Map<string, Sharers>();
  #closed = false;

  constructor(context: WorkerContext, resource: ServedResource<'MirrorRoute'>) {
    super(context, resource);
    this.#resource = resource;
    this.#terms = termsOf(resource, null, this.#contextOfOthers);
    this.#routing = routingOf(resource.config);
    this.#addressRules = addressRulesOf(resource.config);
    this.#endpoints = pickInTurn(resource.endpoints, Math.random);
    this.meters = createRouteMeters(context.meter, resource);
    this.pools = createUpstreamPools(context.dialer);
    this.mirrors = createMirrorEngine(context, resource);
  }

  get terms(): ServingTerms {
    return this.#terms;
  }

  get routing(): Routing {
    return this.#routing;
  }

  /** Which addresses backends may have, and how names become addresses. */
  get addressRules(): AddressRules {
    return this.#addressRules;
  }

  /** Who serves the Services that backends are. */
  get endpoints(): PickEndpoint {
    return this.#endpoints;
  }

  swap(resource: ServedResource<'MirrorRoute'>): void {
    const { sequence, endpointsSequence } = this.#resource;
    this.#resource = resource;
    if (resource.endpointsSequence !== endpointsSequence) {
      this.#endpoints = pickInTurn(resource.endpoints, Math.random);
    }
    if (resource.sequence !== sequence) this.#takeVersion(resource);
    this.mirrors.swap(resource);
  }

  #takeVersion(resource: ServedResource<'MirrorRoute'>): void {
    this.#terms = termsOf(resource, this.#terms, this.#contextOfOthers);
    this.#routing = routingOf(resource.config);
    this.#addressRules = addressRulesOf(resource.config);
    this.shareMemory(resource);
    this.pools.renew();
  }

  greet(connection: Connection, first: Buffer): void {
    const { socket, listener } = connection;
    if (isHttp2Start(first)) {
      this.meters.protocolSeen(listener, 'http2');
      socket.unshift(first);
      return serveHttp2(this, connection);
    }
    const speaksHttp = isHttpStart(first[0]);
    this.meters.protocolSeen(listener, speaksHttp ? 'http' : 'unknown');
    if (speaksHttp) serveHttp(this, connection, first);
    else socket.destroy();
  }

  override accept(socket: Socket, listener: string, sharers: Sharers): void {
    this.#sharers.set(listener, sharers);
    super.accept(socket, listener, sharers);
  }

  /** Who serves a request over a connection of ours: listeners may be shared. */
  routeFor(
    { sharers: { all } }: Connection,
    request: Pick<ClientRequest, 'rawHeaders' | 'url' | 'method'>,
  ): MirrorRouteServing {
    if (all.length === 1 && all[0] === this) return this;
    // Who has left the others to it answers what is asked of it to the end.
    const sharers = this.draining && !all.includes(this) ? [this, ...all] : all;
    return chooseRoute(sharers.filter(isOpenRoute), request) ?? this;
  }

  /** Certificates of the routes that share a listener are offered together. */
  readonly #contextOfOthers = (listener: string, host: string): SecureContext | undefined => {
    for (const route of this.#sharers.get(listener)?.all ?? []) {
      if (route === this || !isOpenRoute(route)) continue;
      const context = route.terms.listeners.get(listener)?.tls?.contextFor(host);
      if (context !== undefined) return context;
    }
    return;
  };

  exchange(message: ClientMessage): RoutedExchange {
    return new RoutedExchange(this, message);
  }

  connect(connection: Connection, _request: IncomingMessage, _early: Buffer): void {
    const code = 'method_not_allowed';
    this.idle.delete(connection);
    refuseRaw(this, connection, code, connectRefused, 'close');
    const { sinceMs: startedMs } = connection;
    reportRefusal(this, { type: 'plain', connection, code, startedMs, method: 'CONNECT' });
  }

  upgrade(connection: Connection, request: IncomingMessage, early: Buffer): void {
    this.idle.delete(connection);
    connection.become('active');
    serveUpgrade(this.routeFor(connection, request), connection, request, early);
  }

  refusal(code: ErrorCode, message: string): HttpRefusal {
    const { pseudonym: proxy } = this.#terms.via;
    return httpRefusal(code, message, { proxy, realm: null, allow: routeMethods });
  }

  report(outcome: Outcome): void {
    const now = Date.now();
    this.meters.outcome(outcome, now);
    if (this.#terms.accessLog.enabled) {
      this.context.accessLog(accessLogLine(this.#terms, outcome, now));
    }
  }

  override sweep(nowMs: number): void {
    super.sweep(nowMs);
    this.mirrors.sweep(nowMs);
  }

  override drain(): void {
    if (this.draining) return;
    this.#copiesUntilMs = Date.now() + this.#terms.drain.timeoutMs;
    this.mirrors.drain();
    super.drain();
  }

  override open(): number {
    const copies = Date.now() < this.#copiesUntilMs ? this.mirrors.open() : 0;
    return super.open() + copies;
  }

  get closed(): boolean {
    return this.#closed;
  }

  close(): void {
    this.#closed = true;
    this.mirrors.close();
    this.pools.close();
    this.meters.close();
  }
}

function isOpenRoute(serving: Serving<Kind>): serving is MirrorRouteServing {
  return serving instanceof MirrorRouteServing && !serving.closed;
}

type ContextOfOthers = (listener: string, host: string) => SecureContext | undefined;

function termsOf(
  resource: ServedResource<'MirrorRoute'>,
  before: ServingTerms | null,
  contextOfOthers: ContextOfOthers,
): ServingTerms {
  const { timeouts, limits, drain, via, forwardedHeader, accessLog } = resource.config;
  const listeners = resource.config.listeners.map(({ name, protocol, tls, allowedClientCIDRs }) => {
    const allowedClients = compileCidrs(allowedClientCIDRs);
    const known = before?.listeners.get(name)?.tls ?? null;
    const elsewhere = (host: string) => contextOfOthers(name, host);
    return [
      name,
      { protocol, allowedClients, tls: tlsOf(tls, resource, known, elsewhere) },
    ] as const;
  });
  return {
    resource,
    listeners: new Map(listeners),
    ...{ timeouts, limits, drain, via, forwardedHeader, accessLog },
  };
}

/** The one before stays while nothing about it changes: clients take up their sessions again. */
function tlsOf(
  tls: ListenerTls | null,
  { certificates }: ServedResource<'MirrorRoute'>,
  before: TlsListener | null,
  elsewhere: (host: string) => SecureContext | undefined,
): TlsListener | null {
  if (tls === null) return null;
  const terms = {
    certificates: tls.certificates.flatMap(({ namespace, name }) => {
      return certificates[`${namespace}/${name}`] ?? [];
    }),
    minVersion: tls.minVersion,
  };
  return isDeepStrictEqual(before?.terms, terms) ? before : createTlsListener(terms, elsewhere);
}

function routingOf(config: MirrorRouteConfig): Routing {
  return { hostnames: compileHostnames(config.hostnames), table: compileRouteTable(config) };
}

function addressRulesOf({ addressPolicy, dns }: MirrorRouteConfig): AddressRules {
  return { policy: compileAddressPolicy(addressPolicy, 'spec.addressPolicy'), dns };
}
