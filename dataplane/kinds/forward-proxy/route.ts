import type { ErrorCode } from '../../../contracts/errors.ts';
import { checkAddress, type IsSelf } from '../../protocols/address-policy.ts';
import type { CheckedRoute } from '../../protocols/checked-route.ts';
import { type Ip, inAny } from '../../protocols/ip-address.ts';
import { formatTarget, type Target } from '../../protocols/target.ts';
import { type CompiledRule, hostMatches, type Policy, portMatches } from './policy.ts';

/** What is asked: by whom, for where, and whether it is a tunnel. */
export type RouteRequest = {
  readonly client: Ip;
  readonly target: Target;
  readonly tunnel: 'connect' | 'socks' | null;
};

/** `rule` is the rule that decided, or `default`; `reported` the rules that would have denied. */
export type Route = CheckedRoute;

/** A decision that needs no address: saves the lookup of names that are refused anyway. */
export function refuseEarly(policy: Policy, request: RouteRequest): Route | null {
  const { target, tunnel } = request;
  if (tunnel !== null && !policy.config.connect.enabled) {
    return refused('http_request_denied', 'default', 'tunnels are off here (spec.connect.enabled)');
  }
  if (tunnel !== null && !portMatches(policy.connectPorts, target.port)) {
    const message = `port ${target.port} is not in spec.connect.allowedPorts`;
    return refused('port_denied', 'default', message);
  }
  const verdict = judge(policy, request, target.ip);
  return verdict.action === 'Deny' ? denied(verdict.rule, target) : null;
}

/** Where a request goes once its name is resolved: every address is checked, only checked ones are dialled. */
export function chooseRoute(
  policy: Policy,
  request: RouteRequest,
  addresses: readonly Ip[],
  isSelf: IsSelf,
): Route {
  const allowed: Ip[] = [];
  let firstRefusal: Route | null = null;
  let rule = 'default';
  let reported: readonly string[] = [];
  for (const ip of addresses) {
    const verdict = judge(policy, request, ip);
    const refusal =
      verdict.action === 'Deny'
        ? denied(verdict.rule, request.target)
        : refuseAddress(policy, ip, request.target.port, isSelf);
    if (refusal !== null) {
      firstRefusal ??= refusal;
      continue;
    }
    if (allowed.length === 0) ({ rule, reported } = verdict);
    allowed.push(ip);
  }
  if (allowed.length > 0) return { via: 'direct', addresses: allowed, rule, reported };
  return (
    firstRefusal ?? refused('dns_error', 'default', `${request.target.host} has no usable address`)
  );
}

type Judgement = {
  /** `Undecided`: a rule before the deciding one needs the address. */
  readonly action: 'Allow' | 'Deny' | 'Undecided';
  readonly rule: string;
  readonly reported: readonly string[];
};

const nothing: readonly string[] = [];

/** First matching rule wins; `Report` is noted and passed. */
function judge(policy: Policy, request: RouteRequest, ip: Ip | null): Judgement {
  let reported = nothing;
  for (const rule of policy.rules) {
    if (!ruleMatches(rule, request)) continue;
    if (rule.cidrs !== null) {
      if (ip === null) return { action: 'Undecided', rule: rule.name, reported };
      if (!inAny(ip, rule.cidrs)) continue;
    }
    if (rule.action !== 'Report') return { action: rule.action, rule: rule.name, reported };
    reported = [...reported, rule.name];
  }
  const { defaultAction } = policy.config.egress;
  if (defaultAction === 'Report') {
    return { action: 'Allow', rule: 'default', reported: [...reported, 'default'] };
  }
  return { action: defaultAction, rule: 'default', reported };
}

function ruleMatches(rule: CompiledRule, { client, target }: RouteRequest): boolean {
  return (
    (rule.hosts === null || hostMatches(rule.hosts, target.host)) &&
    (rule.ports === null || portMatches(rule.ports, target.port)) &&
    (rule.clients === null || inAny(client, rule.clients))
  );
}

function denied(rule: string, target: Target): Route {
  const where = formatTarget(target);
  const message =
    rule === 'default'
      ? `${where} is allowed by no rule of spec.egress.rules, and spec.egress.defaultAction is Deny`
      : `${where} is denied by rule "${rule}" of spec.egress.rules`;
  return refused('http_request_denied', rule, message);
}

function refuseAddress(policy: Policy, ip: Ip, port: number, isSelf: IsSelf): Route | null {
  const problem = checkAddress(policy.addresses, ip, port, isSelf);
  return problem === null ? null : refused(problem.code, 'address', problem.message);
}

function refused(code: ErrorCode, rule: string, message: string): Route {
  return { via: 'refused', code, rule, message };
}
