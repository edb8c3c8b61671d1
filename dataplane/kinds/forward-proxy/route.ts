import type { ErrorCode } from '../../../contracts/errors.ts';
import { classesOf } from '../../protocols/address-class.ts';
import { type Ip, inAny, longestPrefix } from '../../protocols/ip-address.ts';
import { formatTarget, type Target } from '../../protocols/target.ts';
import { type CompiledRule, hostMatches, type Policy, portMatches } from './policy.ts';

/** What is asked: by whom, for where, and whether it is a tunnel. */
export type RouteRequest = {
  readonly client: Ip;
  readonly target: Target;
  readonly tunnel: 'connect' | 'socks' | null;
};

/** `rule` is the rule that decided, or `default`; `reported` the rules that would have denied. */
export type Route =
  | {
      readonly via: 'direct';
      /** Checked; dial these and no other. */
      readonly addresses: readonly Ip[];
      readonly rule: string;
      readonly reported: readonly string[];
    }
  | {
      readonly via: 'refused';
      readonly code: ErrorCode;
      readonly rule: string;
      readonly message: string;
    };

/** Whether an address and port are a listener or the admin endpoint of this very process. */
export type IsSelf = (ip: Ip, port: number) => boolean;

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
  if (policy.deniedClasses.has('Self') && isSelf(ip, port)) {
    return refused(
      'proxy_loop_detected',
      'address',
      `${ip.text} port ${port} is this proxy itself`,
    );
  }
  const allow = longestPrefix(ip, policy.allowCidrs);
  const deny = longestPrefix(ip, policy.denyCidrs);
  if (deny >= 0 && deny >= allow) {
    const message = `address ${ip.text} is in spec.egress.addressPolicy.denyCIDRs`;
    return refused('destination_ip_prohibited', 'address', message);
  }
  if (allow >= 0) return null;
  for (const name of classesOf(ip)) {
    if (policy.deniedClasses.has(name)) {
      const message = `address ${ip.text} is ${name}: allow it in spec.egress.addressPolicy.allowCIDRs, or take ${name} out of .deny`;
      return refused('destination_ip_prohibited', 'address', message);
    }
  }
  return null;
}

function refused(code: ErrorCode, rule: string, message: string): Route {
  return { via: 'refused', code, rule, message };
}
