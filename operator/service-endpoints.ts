import { isRecord, type JsonRecord } from '../contracts/json.ts';
import type { Endpoint, ServicePort } from '../contracts/log-events.ts';

/** Whether a Service is there, and who serves it. */
export type ObservedService =
  | { readonly found: true; readonly ports: readonly ServicePort[] }
  | UnusableService;

export type UnusableService = {
  readonly found: false;
  readonly message: string;
  /** No ReferenceGrant permits it. */
  readonly denied?: true;
  /** Nobody may look, or can: whoever served it before may serve it still. */
  readonly forbidden?: true;
};

/** What we need of a Service: its ports by name; the only one may have none. */
export type ServiceFacts = {
  readonly ports: ReadonlyArray<{ readonly name: string; readonly port: number }>;
  /** Another name in DNS stands for it: it has no endpoints. */
  readonly external: boolean;
};

/** What we need of an EndpointSlice: who serves the ports of that name. */
export type SliceFacts = {
  readonly ports: ReadonlyArray<{ readonly name: string; readonly port: number }>;
  readonly endpoints: readonly SliceEndpoint[];
};

type SliceEndpoint = { readonly address: string; readonly state: 'ready' | 'leaving' };

/** Of one port: as many as an Endpoints object of Kubernetes holds, enough to spread requests over. */
const maxOfPort = 1000;
/** Of all ports together: they are one entry of the log (5,000 of IPv6 are 335 KB of its 512). */
const maxOfService = 5000;

/** The `spec` of a Service (core/v1). */
export function readService({ spec }: JsonRecord): ServiceFacts {
  const { type, ports } = isRecord(spec) ? spec : {};
  return {
    external: type === 'ExternalName',
    ports: recordsOf(ports).flatMap(({ name = '', port, protocol = 'TCP' }) =>
      protocol === 'TCP' && typeof port === 'number' ? [{ name: String(name), port }] : [],
    ),
  };
}

/** An EndpointSlice (discovery.k8s.io/v1): whoever is ready, or still serves while it ends. */
export function readEndpointSlice({ addressType, ports, endpoints }: JsonRecord): SliceFacts {
  if (addressType !== 'IPv4' && addressType !== 'IPv6') return { ports: [], endpoints: [] };
  return {
    ports: recordsOf(ports).flatMap(({ name, port, protocol }) =>
      (protocol ?? 'TCP') === 'TCP' && typeof port === 'number'
        ? [{ name: String(name ?? ''), port }]
        : [],
    ),
    endpoints: recordsOf(endpoints).flatMap(({ addresses, conditions }) => {
      const state = stateOf(isRecord(conditions) ? conditions : {});
      // All addresses of an endpoint lead to the same pod: the first is enough.
      const [address] = Array.isArray(addresses) ? addresses : [];
      return state === null || typeof address !== 'string' ? [] : [{ address, state }];
    }),
  };
}

/** The name of the Service a slice is of; empty: of none. */
export function serviceOfSlice({ metadata }: JsonRecord): string {
  const labels = isRecord(metadata) ? metadata['labels'] : null;
  const name = isRecord(labels) ? labels['kubernetes.io/service-name'] : null;
  return typeof name === 'string' ? name : '';
}

/** Absent means yes for `ready`, and no for the others: `serving` is looked at where `ready` says no. */
function stateOf({ ready, serving, terminating }: JsonRecord): SliceEndpoint['state'] | null {
  if (ready !== false) return 'ready';
  return serving === true && terminating === true ? 'leaving' : null;
}

/**
 * Who serves each port of a Service. Those that are leaving count only while nobody is ready, as for
 * kube-proxy. Sorted, so that equal ones compare equal.
 */
export function endpointsOf(
  { ports }: ServiceFacts,
  slices: readonly SliceFacts[],
): readonly ServicePort[] {
  const most = Math.min(maxOfPort, Math.floor(maxOfService / ports.length));
  return ports.map(({ name, port }) => {
    const all = slices.flatMap((slice) => endpointsIn(slice, name));
    const ready = all.filter(({ state }) => state === 'ready');
    const chosen = ready.length > 0 ? ready : all;
    const unique = new Map(chosen.map((each) => [`${each.address} ${each.port}`, each]));
    const endpoints = [...unique.values()].toSorted(byAddress).slice(0, most);
    return { port, endpoints: endpoints.map(({ address, port: at }) => ({ address, port: at })) };
  });
}

/** A Service that is there. `id`: its namespace and name, for people. */
export function observedService(
  id: string,
  service: ServiceFacts,
  slices: readonly SliceFacts[],
): ObservedService {
  if (!service.external) return { found: true, ports: endpointsOf(service, slices) };
  const message = `Service ${id} is of type ExternalName and has no endpoints: write its name as url`;
  return { found: false, message };
}

type Found = Endpoint & Pick<SliceEndpoint, 'state'>;

function endpointsIn({ ports, endpoints }: SliceFacts, name: string): readonly Found[] {
  const port = ports.find((each) => each.name === name)?.port;
  if (port === undefined) return [];
  return endpoints.map(({ address, state }) => ({ address, port, state }));
}

function byAddress(one: Endpoint, other: Endpoint): number {
  if (one.address !== other.address) return one.address < other.address ? -1 : 1;
  return one.port - other.port;
}

function recordsOf(value: unknown): readonly JsonRecord[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}
