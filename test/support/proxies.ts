import { connect } from 'node:net';
import { forwardProxy } from './forward-proxy.ts';
import { type HeadgateUp, startHeadgate } from './headgate-up.ts';
import { type Peer, peerOf } from './peer.ts';
import type { Scope } from './teardowns.ts';

/** A spec as `forwardProxy` merges it, or one that has to know its port. */
export type ProxySpec =
  | Readonly<Record<string, unknown>>
  | ((port: number) => Readonly<Record<string, unknown>>);

export type Proxies<Name extends string> = {
  readonly up: HeadgateUp;
  readonly portOf: Readonly<Record<Name, number>>;
  /** The same resources with other Secrets or specs, to be applied. */
  edited(changes: {
    readonly documents?: string;
    readonly specs?: Partial<Record<Name, ProxySpec>>;
  }): string;
};

/** One `headgate up` that serves a ForwardProxy per entry, each on a port of its own. */
export async function startProxies<Name extends string>(
  scope: Scope,
  specs: Readonly<Record<Name, ProxySpec>>,
  options: {
    readonly args?: readonly string[];
    readonly workers?: number;
    /** More documents: Secrets. */
    readonly documents?: string;
  } = {},
): Promise<Proxies<Name>> {
  const names = Object.keys(specs) as Name[]; // the keys of this very record
  const { documents = '', ...rest } = options;
  const render = (
    ports: readonly number[],
    extra: string,
    other: Partial<Record<Name, ProxySpec>> = {},
  ) =>
    extra +
    names.map((name, at) => document(name, ports[at] ?? 0, other[name] ?? specs[name])).join('');
  const up = await startHeadgate(scope, {
    ...rest,
    ports: names.length,
    resources: (ports) => render(ports, documents),
  });
  const portOf = Object.fromEntries(names.map((name, at) => [name, up.ports[at] ?? 0]));
  return {
    up,
    portOf: portOf as Record<Name, number>,
    edited: (changes) => render(up.ports, changes.documents ?? documents, changes.specs),
  };
}

function document(name: string, port: number, spec: ProxySpec): string {
  return forwardProxy({ name, port, spec: typeof spec === 'function' ? spec(port) : spec });
}

/** A connection from another of the many addresses of loopback (127.0.0.0/8). */
export async function connectFrom(
  t: Pick<Scope, 'teardown'>,
  localAddress: string,
  port: number,
): Promise<Peer> {
  const socket = connect({ host: '127.0.0.1', port, localAddress, allowHalfOpen: true });
  t.teardown(() => socket.destroy());
  const peer = peerOf(socket);
  await new Promise((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  return peer;
}
