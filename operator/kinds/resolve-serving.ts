import type {
  AddressFamily,
  AddressPolicy,
  DrainConfig,
  Limits,
  ListenerAddress,
  Timeouts,
} from '../../contracts/kinds/serving.ts';
import type { FieldReader } from './resolve-fields.ts';

/** What specs of several kinds have in common, as contracts/kinds/serving.ts has it. */

type WrittenListener = {
  readonly name: string;
  readonly port?: number;
  readonly address: string;
  readonly allowedClientCIDRs: readonly string[];
};

type ReadListener<Listener> = {
  /** As written. */
  readonly listener: Listener;
  readonly address: ListenerAddress;
  readonly allowedClientCIDRs: readonly string[];
};

/** `defaultPort` is asked where none is written. Two listeners with one port are refused. */
export function readListeners<Listener extends WrittenListener>(
  read: FieldReader,
  written: readonly Listener[],
  defaultPort: (listener: Listener) => number,
): readonly ReadListener<Listener>[] {
  const taken = new Map<string, string>();
  return written.map((listener, index) => {
    const field = `spec.listeners[${index}]`;
    const { name } = listener;
    const address = read.address(`${field}.address`, listener.address);
    const port = listener.port ?? defaultPort(listener);

    const holder = taken.get(`${address} ${port}`);
    if (holder !== undefined) {
      read.refuse(`${field}.port`, `${port} on ${address} is taken by listener "${holder}"`);
    }
    taken.set(`${address} ${port}`, name);

    const cidrs = read.cidrs(`${field}.allowedClientCIDRs`, listener.allowedClientCIDRs);
    return { listener, address: { name, port, address }, allowedClientCIDRs: cidrs };
  });
}

type WrittenAddressPolicy = {
  readonly deny: AddressPolicy['deny'];
  readonly allowCIDRs?: readonly string[];
  readonly denyCIDRs?: readonly string[];
};

export function readAddressPolicy(
  read: FieldReader,
  field: string,
  { deny, allowCIDRs, denyCIDRs }: WrittenAddressPolicy,
): AddressPolicy {
  return {
    deny,
    allowCIDRs: read.cidrs(`${field}.allowCIDRs`, allowCIDRs),
    denyCIDRs: read.cidrs(`${field}.denyCIDRs`, denyCIDRs),
  };
}

export function readDns(
  read: FieldReader,
  { timeout, family }: { readonly timeout: string; readonly family: AddressFamily },
) {
  return { timeoutMs: read.durationMs('spec.dns.timeout', timeout), family };
}

type TimeoutName =
  | 'handshake'
  | 'requestHeaders'
  | 'connect'
  | 'responseHeaders'
  | 'bodyIdle'
  | 'idle'
  | 'halfClose';

/** `tunnel`: what the spec calls the time-outs of tunnels, which not every kind calls by that name. */
export function readTimeouts<TunnelName extends string>(
  read: FieldReader,
  written: Readonly<Record<TimeoutName | TunnelName, string>>,
  tunnel: { readonly idle: TunnelName; readonly max: TunnelName },
): Timeouts {
  const ms = (name: TimeoutName | TunnelName) =>
    read.durationMs(`spec.timeouts.${name}`, written[name]);
  return {
    handshakeMs: ms('handshake'),
    requestHeadersMs: ms('requestHeaders'),
    connectMs: ms('connect'),
    responseHeadersMs: ms('responseHeaders'),
    bodyIdleMs: ms('bodyIdle'),
    idleMs: ms('idle'),
    tunnelIdleMs: ms(tunnel.idle),
    tunnelMaxMs: ms(tunnel.max),
    halfCloseMs: ms('halfClose'),
  };
}

type WrittenLimits<TunnelName extends string> = Readonly<
  Record<'connections' | 'connectionsPerClient' | 'headerCount' | TunnelName, number>
> & { readonly headerBytes: string | number; readonly targetBytes: string | number };

/** `tunnel`: what the spec calls the numbers of tunnels. */
export function readLimits<TunnelName extends string>(
  read: FieldReader,
  written: WrittenLimits<TunnelName>,
  tunnel: { readonly all: TunnelName; readonly perClient: TunnelName },
): Limits {
  const headerBytes = read.bytes('spec.limits.headerBytes', written.headerBytes, 4096, 65_536);
  const targetBytes = read.bytes('spec.limits.targetBytes', written.targetBytes, 256, 32_768);
  if (targetBytes > headerBytes) {
    read.refuse(
      'spec.limits.targetBytes',
      `"${written.targetBytes}" is more than headerBytes, which counts the first line too`,
    );
  }
  return {
    connections: written.connections,
    connectionsPerClient: written.connectionsPerClient,
    tunnels: written[tunnel.all],
    tunnelsPerClient: written[tunnel.perClient],
    headerBytes,
    headerCount: written.headerCount,
    targetBytes,
  };
}

type WrittenVia = { readonly enabled: boolean; readonly pseudonym?: string };
type Named = { readonly name: string; readonly namespace: string };

export function readVia({ enabled, pseudonym }: WrittenVia, { name, namespace }: Named) {
  return { enabled, pseudonym: pseudonym ?? `${name}.${namespace}` };
}

type WrittenDrain = { readonly timeout: string; readonly jitter: string };

export function readDrain(read: FieldReader, { timeout, jitter }: WrittenDrain): DrainConfig {
  return {
    timeoutMs: read.durationMs('spec.drain.timeout', timeout),
    jitterMs: read.durationMs('spec.drain.jitter', jitter),
  };
}

type AccessLog = { readonly enabled: boolean; readonly redactQuery: boolean };

/** Only what is known: a later field must not reach pods that do not know it. */
export function readAccessLog({ enabled, redactQuery }: AccessLog): AccessLog {
  return { enabled, redactQuery };
}
