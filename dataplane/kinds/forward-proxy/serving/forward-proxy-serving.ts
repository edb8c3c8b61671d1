import type { IncomingMessage } from 'node:http';
import type { ErrorCode } from '../../../../contracts/errors.ts';
import { type HttpRefusal, httpRefusal } from '../../../protocols/connect-reply.ts';
import { accessLogLine, type Outcome } from '../../../serving/access-log.ts';
import type { ClientMessage } from '../../../serving/client-message.ts';
import { ClientServing } from '../../../serving/client-serving.ts';
import type { Connection } from '../../../serving/connection.ts';
import type { ServingTerms } from '../../../serving/serving-terms.ts';
import { createUpstreamPools, type UpstreamPools } from '../../../serving/upstream-pools.ts';
import type { Serving, WorkerContext } from '../../../workers/context.ts';
import type { ServedResource } from '../../../workers/messages.ts';
import { compilePolicy, type Policy } from '../policy.ts';
import { serveConnect } from './connect.ts';
import { PlainExchange } from './exchange.ts';
import { greet } from './greet.ts';
import { createProxyMeters, type ProxyMeters } from './proxy-meters.ts';
import { serveUpgrade } from './upgrade.ts';

/** One ForwardProxy in one thread: its policy of now, and everything that is open under it. */
export class ForwardProxyServing extends ClientServing implements Serving<'ForwardProxy'> {
  readonly noRule = 'default';
  readonly meters: ProxyMeters;
  readonly pools: UpstreamPools;
  #resource: ServedResource<'ForwardProxy'>;
  #policy: Policy;
  #terms: ServingTerms;

  constructor(context: WorkerContext, resource: ServedResource<'ForwardProxy'>) {
    super(context, resource);
    this.#resource = resource;
    this.#policy = compilePolicy(resource.config);
    this.#terms = termsOf(resource, this.#policy);
    this.meters = createProxyMeters(context.meter, resource);
    this.pools = createUpstreamPools(context.dialer);
  }

  get policy(): Policy {
    return this.#policy;
  }

  get resource(): ServedResource<'ForwardProxy'> {
    return this.#resource;
  }

  get terms(): ServingTerms {
    return this.#terms;
  }

  swap(resource: ServedResource<'ForwardProxy'>): void {
    if (resource.sequence === this.#resource.sequence) return;
    this.#resource = resource;
    this.#policy = compilePolicy(resource.config);
    this.#terms = termsOf(resource, this.#policy);
    this.shareMemory(resource);
    this.pools.renew();
    if (resource.config.drain.onPolicyChange === 'Revoke') {
      for (const tunnel of this.tunnels) if (tunnel.wouldBeRefused()) tunnel.end('policy_changed');
    }
  }

  greet(connection: Connection, first: Buffer): void {
    greet(this, connection, first);
  }

  exchange(message: ClientMessage): PlainExchange {
    return new PlainExchange(this, message);
  }

  connect(connection: Connection, request: IncomingMessage, early: Buffer): void {
    serveConnect(this, connection, request, early);
  }

  upgrade(connection: Connection, request: IncomingMessage, early: Buffer): void {
    serveUpgrade(this, connection, request, early);
  }

  refusal(code: ErrorCode, message: string): HttpRefusal {
    const { via, authentication } = this.#policy.config;
    const realm = authentication.mode === 'Basic' ? authentication.realm : null;
    return httpRefusal(code, message, { proxy: via.pseudonym, realm });
  }

  report(outcome: Outcome): void {
    const now = Date.now();
    this.meters.outcome(outcome, now, this.#policy.config);
    if (this.#terms.accessLog.enabled) {
      this.context.accessLog(accessLogLine(this.#terms, outcome, now));
    }
  }

  close(): void {
    this.pools.close();
    this.meters.close();
  }
}

function termsOf(resource: ServedResource<'ForwardProxy'>, { listeners }: Policy): ServingTerms {
  const { timeouts, limits, drain, via, forwardedHeader, accessLog } = resource.config;
  return { resource, listeners, timeouts, limits, drain, via, forwardedHeader, accessLog };
}
