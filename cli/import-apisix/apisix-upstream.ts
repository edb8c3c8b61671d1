import type { Found } from './found.ts';
import type { Gathered } from './gathered.ts';
import { readWeight } from './plain-upstream.ts';
import { isAbsent, type Reader } from './reader.ts';
import { externalNameOf } from './service-backend.ts';
import {
  checkBalancing,
  onTerms,
  readHostname,
  readSpoken,
  readTimeouts,
  type Terms,
  tellLeftOut,
  termsOf,
  type Upstream,
} from './upstream.ts';
import { defaultPorts, isPort, originUrl, type Scheme, type Spoken } from './urls.ts';
import type { WeightedTarget } from './weights.ts';

const avoiding = ['retries', 'healthCheck'];

const known = [
  ...['ingressClassName', 'externalNodes', 'loadbalancer', 'scheme', 'timeout', 'passHost'],
  ...['upstreamHost', 'tlsSecret', 'subsets', 'discovery', 'portLevelSettings'],
  ...avoiding,
];

/** What APISIX's controller gives a node that names no weight. */
export const defaultWeight = 100;

type Node = WeightedTarget & { readonly host: string };

/** An ApisixUpstream with nodes of its own. */
export function readExternalUpstream(
  read: Reader,
  gathered: Gathered,
  upstream: Found,
  namespace: string,
): Upstream {
  const spec = upstream.at('spec');
  const spoken = readSpoken(read, spec.at('scheme'));
  const nodes = read
    .items(spec.at('externalNodes'))
    .flatMap((node) => readNode(read, gathered, node, { namespace, scheme: spoken.scheme }));
  if (nodes.length === 0) read.refuse(spec, 'has no externalNodes, so that requests go nowhere');
  const hosts = nodes.map(({ host }) => host);
  const { terms, ...settings } = readUpstreamSettings(read, upstream, hosts, spoken);
  return {
    nodes: nodes.map((node) => ({ ...node, target: onTerms(node.target, terms) })),
    ...settings,
  };
}

/** How an ApisixUpstream wants its nodes to be spoken to, be they its own or those of a Service. */
export function readUpstreamSettings(
  read: Reader,
  upstream: Found,
  nodeHosts: readonly string[],
  spoken: Spoken,
): Omit<Upstream, 'nodes'> & { readonly terms: Terms } {
  const spec = upstream.at('spec');
  read.onlyKnown(spec, known);
  checkBalancing(read, spec.at('loadbalancer').at('type'));
  tellLeftOut(read, spec, avoiding);
  for (const name of ['tlsSecret', 'discovery', 'portLevelSettings']) {
    const field = spec.at(name);
    if (!isAbsent(field)) read.refuse(field, `${name} cannot be carried over`);
  }
  const choice = { mode: spec.at('passHost'), host: spec.at('upstreamHost'), nodeHosts };
  return {
    terms: termsOf(spoken, choice, read),
    hostname: readHostname(read, choice),
    timeouts: readTimeouts(read, spec.at('timeout')),
  };
}

function readNode(
  read: Reader,
  gathered: Gathered,
  node: Found,
  { namespace, scheme }: { readonly namespace: string; readonly scheme: Scheme },
): readonly Node[] {
  read.onlyKnown(node, ['name', 'type', 'weight', 'port']);
  const host = hostOf(read, gathered, node, namespace);
  if (host === null) return [];
  const port = read.number(node.at('port')) ?? defaultPorts[scheme];
  if (!isPort(port)) read.refuse(node.at('port'), `${port} is not a port from 1 to 65535`);
  const weight = readWeight(read, node.at('weight')) ?? defaultWeight;
  return [{ host, target: { url: originUrl(scheme, host, port) }, weight }];
}

function hostOf(
  read: Reader,
  { resources }: Gathered,
  node: Found,
  namespace: string,
): string | null {
  const name = read.text(node.at('name'));
  if (name === null || node.at('type').value === 'Domain') return name;
  const service = resources.get(`Service/${namespace}/${name}`);
  const host = service === undefined ? null : externalNameOf(read, service);
  if (host === null) {
    const message = `there is no Service ${namespace}/${name} of type ExternalName in the given files`;
    read.refuse(node.at('name'), message);
  }
  return host;
}
