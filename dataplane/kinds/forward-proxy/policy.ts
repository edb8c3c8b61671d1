import type {
  AddressClass,
  EgressRule,
  ForwardProxyConfig,
  ListenerConfig,
  PortRange,
  RuleAction,
} from '../../../contracts/kinds/forward-proxy/config.ts';
import { type Cidr, parseCidr } from '../../protocols/ip-address.ts';

/** A configuration with its patterns compiled once, so that a request only compares. Immutable. */
export type Policy = {
  readonly config: ForwardProxyConfig;
  readonly listeners: ReadonlyMap<string, ListenerPolicy>;
  readonly connectPorts: PortSet;
  readonly rules: readonly CompiledRule[];
  /** Some rule asks for the resolved address: names must be looked up before it can be said. */
  readonly rulesNeedAddress: boolean;
  readonly deniedClasses: ReadonlySet<AddressClass | string>;
  readonly allowCidrs: readonly Cidr[];
  readonly denyCidrs: readonly Cidr[];
};

export type ListenerPolicy = {
  readonly config: ListenerConfig;
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
        { config: listener, allowedClients: cidrs(listener.allowedClientCIDRs) },
      ]),
    ),
    connectPorts: config.connect.allowedPorts,
    rules: compiled,
    rulesNeedAddress: compiled.some((rule) => rule.cidrs !== null),
    deniedClasses: new Set(addressPolicy.deny),
    allowCidrs: cidrs(addressPolicy.allowCIDRs),
    denyCidrs: cidrs(addressPolicy.denyCIDRs),
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
    clients: clientCIDRs.length === 0 ? null : cidrs(clientCIDRs),
    hosts: hosts.length === 0 ? null : hostSet(hosts),
    ports: ports.length === 0 ? null : ports,
    cidrs: texts.length === 0 ? null : cidrs(texts),
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

/** They were checked when the configuration was; one that does not parse matches nothing. */
function cidrs(texts: readonly string[]): readonly Cidr[] {
  return texts.map(parseCidr).filter((cidr): cidr is Cidr => cidr !== null);
}
