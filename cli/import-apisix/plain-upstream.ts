import type { Found } from './found.ts';
import { isAbsent, type Reader } from './reader.ts';
import {
  checkBalancing,
  onTerms,
  readHostname,
  readSpoken,
  readTimeouts,
  tellLeftOut,
  termsOf,
  type Upstream,
} from './upstream.ts';
import { defaultPorts, isPort, originUrl, parseHostPort, type Scheme } from './urls.ts';
import type { WeightedTarget } from './weights.ts';

const avoiding = ['retries', 'retry_timeout', 'checks'];

const known = [
  ...['id', 'name', 'desc', 'description', 'labels', 'create_time', 'update_time'],
  ...['type', 'hash_on', 'key', 'nodes', 'scheme', 'timeout', 'pass_host', 'upstream_host'],
  ...['keepalive_pool', 'tls', 'service_name', 'discovery_type', 'discovery_args'],
  ...avoiding,
];

/** An upstream of the Admin API. */
export function readPlainUpstream(read: Reader, upstream: Found): Upstream {
  read.onlyKnown(upstream, known);
  const spoken = readSpoken(read, upstream.at('scheme'));
  checkBalancing(read, upstream.at('type'));
  tellLeftOut(read, upstream, avoiding);
  for (const name of ['tls', 'service_name', 'discovery_type']) {
    const field = upstream.at(name);
    if (!isAbsent(field)) read.refuse(field, `${name} cannot be carried over: write nodes`);
  }

  const nodes = readNodes(read, upstream.at('nodes'), spoken.scheme);
  if (nodes.length === 0) read.refuse(upstream, 'has no nodes, so that requests go nowhere');
  const choice = {
    mode: upstream.at('pass_host'),
    host: upstream.at('upstream_host'),
    nodeHosts: nodes.map(({ host }) => host),
  };
  const terms = termsOf(spoken, choice, read);
  return {
    nodes: nodes.map((node) => ({ ...node, target: onTerms(node.target, terms) })),
    hostname: readHostname(read, choice),
    timeouts: readTimeouts(read, upstream.at('timeout')),
  };
}

type Node = WeightedTarget & { readonly host: string };

/** `{"host:port": weight}`, or a list of `{host, port, weight}`. */
function readNodes(read: Reader, nodes: Found, scheme: Scheme): readonly Node[] {
  if (Array.isArray(nodes.value)) {
    return read.items(nodes).flatMap((node) => listed(read, node, scheme));
  }
  return read.entries(nodes).flatMap(([address, weight]) => {
    const parsed = parseHostPort(address);
    if (parsed === null) {
      read.refuse(weight, 'is not under an address such as httpbin.org or 10.0.0.7:8080');
      return [];
    }
    const port = parsed.port ?? defaultPorts[scheme];
    return nodeAt(read, weight, { ...parsed, scheme, port, weight });
  });
}

function listed(read: Reader, node: Found, scheme: Scheme): readonly Node[] {
  read.onlyKnown(node, ['host', 'port', 'weight', 'priority', 'metadata']);
  if (read.number(node.at('priority'))) {
    const message =
      'nodes for when others fail cannot be carried over: a MirrorRoute uses all, by weight';
    read.refuse(node.at('priority'), message);
  }
  const host = read.text(node.at('host'));
  if (host === null) {
    read.refuse(node, 'has no host');
    return [];
  }
  const port = read.number(node.at('port')) ?? defaultPorts[scheme];
  return nodeAt(read, node, { scheme, host, port, weight: node.at('weight') });
}

type WrittenNode = {
  readonly scheme: Scheme;
  readonly host: string;
  readonly port: number;
  readonly weight: Found;
};

function nodeAt(
  read: Reader,
  where: Found,
  { scheme, host, port, weight }: WrittenNode,
): readonly Node[] {
  if (!isPort(port)) read.refuse(where, `${port} is not a port from 1 to 65535`);
  const target = { url: originUrl(scheme, host, port) };
  return [{ host, target, weight: readWeight(read, weight) ?? 1 }];
}

/** `null`: none is written, or something else, which was refused. */
export function readWeight(read: Reader, weight: Found): number | null {
  const number = read.number(weight);
  if (number === null || (Number.isInteger(number) && number >= 0)) return number;
  read.refuse(weight, `${number} is not a weight, which is a whole number from 0 up`);
  return null;
}
