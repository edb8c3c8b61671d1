import type {
  EgressRule,
  ForwardProxyConfig,
  ListenerConfig,
  PortRange,
  RuleAction,
} from '../../../contracts/kinds/forward-proxy/config.ts';
import {
  type CompiledAddressPolicy,
  compileAddressPolicy,
  compileCidrs,
} from '../../protocols/address-policy.ts';
import type { Cidr } from '../../protocols/ip-address.ts';

/** A configuration with its patterns compiled once, so that a request only compares. Immutable. */
export type Policy = {
  readonly config: ForwardProxyConfig;
  readonly listeners: ReadonlyMap<string, ListenerPolicy>;
  readonly connectPorts: PortSet;
  readonly rules: readonly CompiledRule[];
  /** Some rule asks for the resolved address: names must be looked up before it can be said. */
  readonly rulesNeedAddress: boolean;
  readonly addresses: CompiledAddressPolicy;
};

export type ListenerPolicy = {
  readonly protocol: ListenerConfig['protocol'];
  readonly tls: null;
  readonly socksVersions: ListenerConfig['socksVersions'];
  readonly allowedClients: readonly Cidr[];
};

export type CompiledRule = {
  readonly name: string;
  readonly action: RuleAction;
  readonly clients: readonly Cidr[] | null;
  readonly hosts: HostSet | null;
  readonly ports: PortSet | null;
  readonly cidrs: readonly Cidr[] | null;
};

/** Names, and suffixes of names (with their dot), that match. */
export type HostSet = { readonly exact: ReadonlySet<string>; readonly suffixes: readonly string[] };

export type PortSet = readonly PortRange[];

export function compilePolicy(config: ForwardProxyConfig): Policy {
  const { rules, addressPolicy } = config.egress;
  const compiled = rules.map(compileRule);
  return {
    config,
    listeners: new Map(
      config.listeners.map((listener) => [
        listener.name,
        {
          protocol: listener.protocol,
          tls: null,
          socksVersions: listener.socksVersions,
          allowedClients: compileCidrs(listener.allowedClientCIDRs),
        },
      ]),
    ),
    connectPorts: config.connect.allowedPorts,
    rules: compiled,
    rulesNeedAddress: compiled.some((rule) => rule.cidrs !== null),
    addresses: compileAddressPolicy(addressPolicy, 'spec.egress.addressPolicy'),
  };
}

function compileRule({
  name,
  action,
  clientCIDRs,
  hosts,
  ports,
  cidrs: texts,
}: EgressRule): CompiledRule {
  return {
    name,
    action,
    clients: clientCIDRs.length === 0 ? null : compileCidrs(clientCIDRs),
    hosts: hosts.length === 0 ? null : hostSet(hosts),
    ports: ports.length === 0 ? null : ports,
    cidrs: texts.length === 0 ? null : compileCidrs(texts),
  };
}

function hostSet(patterns: readonly string[]): HostSet {
  const wild = patterns.filter((pattern) => pattern.startsWith('*.'));
  return {
    exact: new Set(patterns.filter((pattern) => !pattern.startsWith('*.'))),
    suffixes: wild.map((pattern) => pattern.slice(1)),
  };
}

export function hostMatches({ exact, suffixes }: HostSet, host: string): boolean {
  return exact.has(host) || suffixes.some((suffix) => host.endsWith(suffix));
}

export function portMatches(ports: PortSet, port: number): boolean {
  for (const { from, to } of ports) if (port >= from && port <= to) return true;
  return false;
}
