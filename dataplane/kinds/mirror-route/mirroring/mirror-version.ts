import type { Dispatcher } from 'undici';
import type {
  CompareConfig,
  MirrorConfig,
  MirrorRouteConfig,
} from '../../../../contracts/kinds/mirror-route/config.ts';
import { compileAddressPolicy } from '../../../protocols/address-policy.ts';
import type { Ip } from '../../../protocols/ip-address.ts';
import type { Target } from '../../../protocols/target.ts';
import { type AddressRules, findAddresses } from '../../../serving/find-addresses.ts';
import {
  createUpstreamPools,
  type GiveUp,
  type UpstreamPools,
} from '../../../serving/upstream-pools.ts';
import type { WorkerContext } from '../../../workers/context.ts';
import { ignoredValues } from '../ignored-values.ts';
import { lacksCa } from '../lacks-ca.ts';
import { targetOf } from '../origin-target.ts';
import type { PickEndpoint } from '../pick-endpoint.ts';
import { tlsOf } from '../serving/origin-tls.ts';
import type { BodyAllowance } from './held-body.ts';
import type { Lane } from './lane.ts';
import type { SkipReason } from './skip-reasons.ts';
import type { CompareTerms } from './two-answers.ts';

export type MirrorWanted = {
  readonly route: Pick<MirrorRouteConfig, 'addressPolicy' | 'dns'>;
  readonly config: MirrorConfig;
  /** Those of now, which change without a new version. */
  readonly endpoints: () => PickEndpoint;
};

/** Who gets a copy: checked addresses. */
export type Receiver = { readonly target: Target; readonly addresses: readonly Ip[] };

/** Whom a copy goes to, or why to nobody. */
type FoundReceiver = (refused: SkipReason | null, receiver: Receiver | null) => void;

/**
 * One mirror as one version of its route wants it, with connections that nobody else uses. A copy
 * keeps the version it began with to its end, whatever comes after.
 */
export class MirrorVersion {
  readonly config: MirrorConfig;
  readonly lane: Lane;
  readonly allowance: BodyAllowance;
  readonly compare: CompareTerms;
  readonly #context: WorkerContext;
  readonly #endpoints: () => PickEndpoint;
  readonly #rules: AddressRules;
  readonly #pools: UpstreamPools;
  #open = 0;
  #retired = false;

  constructor(context: WorkerContext, lane: Lane, { route, config, endpoints }: MirrorWanted) {
    this.config = config;
    this.lane = lane;
    this.allowance = {
      body: config.body,
      bufferedBytes: config.limits.bufferedBytes,
      budget: lane.budget,
      gauge: lane.meters.bufferedBytes,
    };
    this.compare = compareTerms(config.compare, this.allowance);
    this.#context = context;
    this.#endpoints = endpoints;
    this.#rules = {
      policy: compileAddressPolicy(route.addressPolicy, 'spec.addressPolicy'),
      dns: route.dns,
    };
    this.#pools = createUpstreamPools(context.dialer);
  }

  /** Who gets the next copy; calls back once, at once where nobody has to be asked. */
  findReceiver(found: FoundReceiver): void {
    if (lacksCa(this.config.origin)) return found('no_ca', null);
    const target = targetOf(this.#endpoints(), this.config.origin);
    if (target === null) return found('no_endpoint', null);
    findAddresses(this.#context, target, this.#rules, (refusal, addresses) => {
      if (refusal === null) found(null, { target, addresses });
      else found(refusal.code.startsWith('dns_') ? 'dns' : 'address', null);
    });
  }

  send(
    { target, addresses }: Receiver,
    request: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler,
  ): GiveUp {
    const { origin, timeouts } = this.config;
    const { connectMs } = timeouts;
    const { protocol } = origin;
    const to = { target, addresses, connectMs, tls: tlsOf(origin), protocol };
    return this.#pools.dispatch(to, request, handler);
  }

  copyOpened(): void {
    this.#open++;
    this.lane.open++;
  }

  copyEnded(): void {
    this.#open--;
    this.lane.open--;
    this.#closeIfUnused();
  }

  /** Whether the breaker keeps copies from being sent. */
  showBreaker(nowMs: number): void {
    const { budget, meters } = this.lane;
    const closed = budget.admits(this.config.circuitBreaker, nowMs) === 'all';
    meters.breakerOpen.set(closed ? 0 : 1);
  }

  /** Kept connections are closed; those in use when they are not any more. */
  closeIdle(): void {
    this.#pools.renew();
  }

  /** No copy begins under it any more. */
  retire(): void {
    this.#retired = true;
    this.#closeIfUnused();
  }

  #closeIfUnused(): void {
    if (this.#retired && this.#open === 0) this.#pools.close();
  }
}

function compareTerms(config: CompareConfig, allowance: BodyAllowance): CompareTerms {
  const { mode, ignoreJSONPointers, maxBytes } = config;
  if (mode !== 'Body' || ignoreJSONPointers.length === 0) return { config, json: null };
  const body = { maxBytes, onOverflow: 'Skip' } as const;
  const ignored = ignoredValues(ignoreJSONPointers);
  return { config, json: { ignored, allowance: { ...allowance, body } } };
}
