import type { ServiceReference } from '../../service-reference.ts';
import type {
  AddressFamily,
  AddressPolicy,
  DrainConfig,
  Limits,
  ListenerAddress,
  SecretReference,
  Timeouts,
} from '../serving.ts';

/** What a pod needs to serve a MirrorRoute: defaults applied, references resolved, units in names. */
export type MirrorRouteConfig = {
  readonly pool: string;
  /** When the resource was made, in UTC to the second; empty where that is not known: older routes go first. */
  readonly created: string;
  readonly listeners: readonly MirrorRouteListener[];
  /** Lower case; `*.shop.example` is every name below. Empty: any. */
  readonly hostnames: readonly string[];
  /** In the order they were written: among equal matches the first wins. */
  readonly rules: readonly RuleConfig[];
  /** Mirrors whose Service or CA certificates are not there or not theirs to use; for whoever looks at the status. */
  readonly unresolved: readonly UnresolvedMirror[];
  readonly addressPolicy: AddressPolicy;
  readonly dns: { readonly timeoutMs: number; readonly family: AddressFamily };
  readonly timeouts: Timeouts;
  readonly limits: Limits;
  readonly via: { readonly enabled: boolean; readonly pseudonym: string };
  readonly forwardedHeader: 'None' | 'Forwarded' | 'XForwardedFor';
  readonly drain: DrainConfig;
  readonly accessLog: { readonly enabled: boolean; readonly redactQuery: boolean };
};

export type UnresolvedReference = {
  readonly reason: 'BackendNotFound' | 'RefNotPermitted' | 'InvalidCACertificateRef';
  readonly message: string;
};

/** `mirror`: see `mirrorId`. */
export type UnresolvedMirror = UnresolvedReference & { readonly mirror: string };

export type MirrorRouteListener = ListenerAddress & {
  readonly protocol: 'HTTP' | 'HTTPS';
  /** `null` with HTTP. */
  readonly tls: ListenerTls | null;
  readonly allowedClientCIDRs: readonly string[];
};

export type ListenerTls = {
  /** Secrets with `tls.crt` and `tls.key`; the first is for clients that name no host. Never empty. */
  readonly certificates: readonly SecretReference[];
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
};

export type RuleConfig = {
  /** Given, or `rule-1`, `rule-2`, … */
  readonly name: string;
  /** Any of them; never empty. */
  readonly matches: readonly MatchConfig[];
  readonly requestHeaders: HeaderChange;
  readonly responseHeaders: HeaderChange;
  readonly rewrite: { readonly hostname: string | null; readonly path: PathChange | null };
  /** Never empty; all weights 0: every request is answered 500. */
  readonly backends: readonly BackendConfig[];
  readonly timeouts: {
    /** From the end of a request to the head of its answer; 0: no limit. */
    readonly requestMs: number;
    /** The same for one attempt at a backend; 0: no limit. */
    readonly backendRequestMs: number;
  };
  readonly mirrors: readonly MirrorConfig[];
};

/** Everything listed must match. */
export type MatchConfig = {
  readonly path: {
    readonly type: 'Exact' | 'PathPrefix' | 'RegularExpression';
    readonly value: string;
  };
  readonly headers: readonly ValueMatch[];
  readonly queryParams: readonly ValueMatch[];
  readonly method: string | null;
};

/** Names of header fields are lower case. */
export type ValueMatch = {
  readonly type: 'Exact' | 'RegularExpression';
  readonly name: string;
  readonly value: string;
};

/** Applied in this order: remove, set, add. */
export type HeaderChange = {
  readonly set: readonly HeaderField[];
  readonly add: readonly HeaderField[];
  /** Lower case. */
  readonly remove: readonly string[];
};

export type HeaderField = { readonly name: string; readonly value: string };

export type PathChange = {
  /** `AddPrefix` puts `value` before the whole path. The query stays, byte for byte. */
  readonly type: 'ReplaceFullPath' | 'ReplacePrefixMatch' | 'AddPrefix';
  readonly value: string;
};

export type BackendConfig = { readonly weight: number; readonly origin: OriginConfig };

/** Where requests go: a host by name or address, or those who serve a Service at the time. */
export type OriginConfig = {
  /** Lower case; IPv6 without brackets. Of a Service, its name in the cluster's DNS. */
  readonly host: string;
  readonly port: number;
  /** `null`: `host` is looked up. */
  readonly service: ServiceReference | null;
  /** What is spoken there; HTTP/2 without TLS by prior knowledge, over TLS by ALPN. */
  readonly protocol: 'HTTP1' | 'HTTP2';
} & ({ readonly scheme: 'http' } | { readonly scheme: 'https'; readonly tls: OriginTls });

/** Whom a certificate must be for, and who may have signed it. */
export type OriginTls = {
  /** Lower case; a name or an address. */
  readonly hostname: string;
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  /** `null`: the public authorities that Node.js knows. */
  readonly caCertificates: readonly CaCertificates[] | null;
};

/** A Secret, and the certificates in it, PEM; `null`: they are not there, so nobody is trusted. */
export type CaCertificates = {
  readonly namespace: string;
  readonly name: string;
  readonly pem: string | null;
};

export type MirrorConfig = {
  readonly name: string;
  readonly origin: OriginConfig;
  /** `numerator` of `denominator` requests are copied. */
  readonly fraction: { readonly numerator: number; readonly denominator: number };
  readonly sampling:
    | { readonly strategy: 'Random' }
    | {
        readonly strategy: 'Hash';
        readonly key: SamplingKey;
        readonly salt: string;
        readonly onMissingKey: 'Skip' | 'Random';
      };
  /** Upper case. Empty: any. */
  readonly methods: readonly string[];
  readonly path: PathChange | null;
  readonly hostname:
    | { readonly mode: 'Preserve' | 'Backend' }
    | { readonly mode: 'Literal' | 'Suffix'; readonly value: string };
  readonly requestHeaders: HeaderChange;
  /** Tells copies from originals; a request that carries it already is not copied again. `null`: off. */
  readonly mark: HeaderField | null;
  readonly body: {
    readonly mode: 'Include' | 'Omit';
    readonly maxBytes: number;
    readonly onOverflow: 'Skip' | 'Truncate';
  };
  readonly timeouts: { readonly connectMs: number; readonly requestMs: number };
  readonly limits: MirrorLimits;
  readonly circuitBreaker: CircuitBreakerConfig;
  readonly compare: CompareConfig;
};

/** `header`, `cookie` and `queryParam` have a name; names of header fields are lower case. */
export type SamplingKey =
  | { readonly type: 'Header' | 'Cookie' | 'QueryParam'; readonly name: string }
  | { readonly type: 'ClientIP' | 'Path' };

/** Of the whole pod, all threads together. */
export type MirrorLimits = {
  /** Copies under way. */
  readonly concurrent: number;
  /** Copies that wait for their turn; the newest is dropped. */
  readonly queue: number;
  /** Bytes of bodies held for copies. */
  readonly bufferedBytes: number;
  /** 0: no limit. */
  readonly requestsPerSecond: number;
};

export type CircuitBreakerConfig = {
  /** So many failures in a row open it; 0: never. */
  readonly consecutiveFailures: number;
  /** A failure older than this does not count any more. */
  readonly intervalMs: number;
  readonly openForMs: number;
  /** `openForMs` doubles with each probe that fails, up to this. */
  readonly maxOpenForMs: number;
};

export type CompareConfig = {
  /** Each includes what stands before it. */
  readonly mode: 'Off' | 'Status' | 'Headers' | 'Body';
  /** So many of 100 answered copies are compared. */
  readonly percent: number;
  /** Lower case. */
  readonly ignoreHeaders: readonly string[];
  /** RFC 6901. With any, bodies that are JSON are compared by value; empty: by digest. */
  readonly ignoreJSONPointers: readonly string[];
  /** Longer bodies are `incomparable`. */
  readonly maxBytes: number;
};
