// Generated from crds/forward-proxy.yaml by `npm run generate`. Change that file instead.

/** What a user asks for, with the defaults of the schema filled in. */
export type ForwardProxySpec = {
  /**
   * The pool of pods that serves this proxy.
   */
  readonly pool: string;
  /**
   * Where clients connect. Adding, changing or removing one leaves the others alone.
   */
  readonly listeners: ReadonlyArray<{
    /**
     * Name of the listener, unique in this resource; it appears in logs and metrics.
     */
    readonly name: string;
    /**
     * TCP port. Without one, 3128 for HTTP and Mixed, 1080 for SOCKS.
     */
    readonly port?: number;
    /**
     * IP address to listen on. `::` is every address, IPv6 and IPv4 (`0.0.0.0` is taken where
     * IPv6 is off); `127.0.0.1` serves only this machine.
     */
    readonly address: string;
    /**
     * What clients may speak. `HTTP` is plain proxy requests and CONNECT, `SOCKS` is SOCKS,
     * `Mixed` is all of them on one port, told apart by the first byte.
     */
    readonly protocol: 'HTTP' | 'SOCKS' | 'Mixed';
    /**
     * SOCKS versions taken. Without it only SOCKS5 when authentication is on, because SOCKS4
     * and SOCKS4a carry no password, and all three otherwise.
     */
    readonly socksVersions?: ReadonlyArray<'SOCKS4' | 'SOCKS4a' | 'SOCKS5'>;
    /**
     * Client addresses that may connect; everyone else is refused. The default is this machine
     * and private networks. Everyone is written `0.0.0.0/0` and `::/0`.
     */
    readonly allowedClientCIDRs: readonly string[];
  }>;
  /**
   * Who may use the proxy.
   */
  readonly authentication: {
    /**
     * `None` serves every client that a listener lets in; `Basic` wants user and password,
     * from HTTP clients as Proxy-Authorization and from SOCKS5 clients as RFC 1929 says.
     */
    readonly mode: 'None' | 'Basic';
    /**
     * Where the users of mode Basic are.
     */
    readonly basic?: {
      /**
       * A Secret in the same namespace whose key `auth` holds htpasswd lines, as `headgate
       * htpasswd USER` prints them.
       */
      readonly secretRef: {
        /**
         * Name of the Secret.
         */
        readonly name: string;
      };
      /**
       * What clients are told they log in to. Printable ASCII without quotes and backslashes.
       */
      readonly realm: string;
    };
    /**
     * Failed logins a client address may make per minute; after that it is answered 429.
     */
    readonly attempts: number;
  };
  /**
   * CONNECT tunnels, and SOCKS, which is the same for this purpose.
   */
  readonly connect: {
    /**
     * Whether tunnels are opened at all. Plain HTTP requests are not affected.
     */
    readonly enabled: boolean;
    /**
     * Target ports tunnels may go to, each a number or `from-to`. To refuse every tunnel, use
     * `enabled`.
     */
    readonly allowedPorts: ReadonlyArray<number | string>;
  };
  /**
   * Where clients may go.
   */
  readonly egress: {
    /**
     * What happens to a request that no rule matches. `Report` lets it pass and counts and
     * logs that it would have been denied.
     */
    readonly defaultAction: 'Allow' | 'Deny' | 'Report';
    /**
     * Tried in order, the first `Allow` or `Deny` that matches decides. A rule matches when
     * everything it lists matches; what it does not list matches anything.
     */
    readonly rules?: ReadonlyArray<{
      /**
       * Name of the rule, unique in this resource; it appears in refusals, logs and metrics.
       */
      readonly name: string;
      /**
       * What to do with a request that matches. `Report` decides nothing: of the requests that
       * pass, it counts and logs those that a `Deny` here would have refused.
       */
      readonly action: 'Allow' | 'Deny' | 'Report';
      /**
       * Which clients the rule is for.
       */
      readonly clients?: {
        /**
         * Client addresses.
         */
        readonly cidrs: readonly string[];
      };
      /**
       * Host names, exact (`api.example.com`) or all names below one (`*.example.com`, which is
       * not `example.com` itself). Addresses belong in `cidrs`.
       */
      readonly hosts?: readonly string[];
      /**
       * Target ports, each a number or `from-to`.
       */
      readonly ports?: ReadonlyArray<number | string>;
      /**
       * Target addresses, after the name was resolved.
       */
      readonly cidrs?: readonly string[];
    }>;
    /**
     * Addresses no client is let through to, whatever name it used and whatever the rules say.
     * It keeps a proxy from being a way into the network it stands in.
     */
    readonly addressPolicy: {
      /**
       * Classes of addresses that are refused. `Private` is RFC 1918 and fc00::/7, `Metadata`
       * the metadata services of clouds, `IPv4Embedding` IPv6 addresses that hide an IPv4 one,
       * `Self` the proxy's own listeners and admin address, which `allowCIDRs` never opens.
       * Leave `Private` out to let clients reach in-cluster addresses.
       */
      readonly deny: ReadonlyArray<
        | 'Loopback'
        | 'Private'
        | 'LinkLocal'
        | 'Multicast'
        | 'Unspecified'
        | 'CGNAT'
        | 'IPv4Embedding'
        | 'Reserved'
        | 'Metadata'
        | 'Self'
      >;
      /**
       * Addresses that are reachable although a class in `deny` covers them.
       */
      readonly allowCIDRs?: readonly string[];
      /**
       * Further addresses that are refused. Where `allowCIDRs` covers the same address the
       * longer prefix decides, and at equal length the refusal.
       */
      readonly denyCIDRs?: readonly string[];
    };
  };
  /**
   * How names are resolved.
   */
  readonly dns: {
    /**
     * Longest wait for an answer. At most 30s.
     */
    readonly timeout: string;
    /**
     * Addresses to ask for. `Auto` asks for both families and tries them as they answer.
     */
    readonly family: 'Auto' | 'IPv4' | 'IPv6';
  };
  /**
   * How long each step may take. Durations as in `500ms`, `30s`, `1h30m`; at most 168h.
   */
  readonly timeouts: {
    /**
     * From accepting a connection to its first complete SOCKS request or first byte of HTTP.
     */
    readonly handshake: string;
    /**
     * From the first byte of an HTTP request to the end of its headers.
     */
    readonly requestHeaders: string;
    /**
     * For the connection to the target, all its addresses together.
     */
    readonly connect: string;
    /**
     * From the end of a plain HTTP request to the headers of its answer.
     */
    readonly responseHeaders: string;
    /**
     * Between two pieces of a request or response body.
     */
    readonly bodyIdle: string;
    /**
     * Between two requests on a kept connection.
     */
    readonly idle: string;
    /**
     * A tunnel in which nothing moved for this long is closed.
     */
    readonly tunnelIdle: string;
    /**
     * The longest life of a tunnel, busy or not. `0s` is no limit.
     */
    readonly tunnelMax: string;
    /**
     * How long a tunnel lives on after one side has finished sending.
     */
    readonly halfClose: string;
  };
  /**
   * How much of everything, per pod.
   */
  readonly limits: {
    /**
     * Client connections at once. At the limit the oldest idle one makes room.
     */
    readonly connections: number;
    /**
     * Connections at once from one client address. 0 is no limit of its own.
     */
    readonly connectionsPerClient: number;
    /**
     * Open tunnels at once.
     */
    readonly tunnels: number;
    /**
     * Open tunnels at once from one client address. 0 is no limit of its own.
     */
    readonly tunnelsPerClient: number;
    /**
     * Size of a request's or response's headers, first line included: 4Ki to 64Ki. More is
     * answered 431.
     */
    readonly headerBytes: number | string;
    /**
     * Number of header fields. More is answered 431.
     */
    readonly headerCount: number;
    /**
     * Size of a request target: 256 to 32Ki, and no more than `headerBytes`. More is answered
     * 414.
     */
    readonly targetBytes: number | string;
  };
  /**
   * The Via header (RFC 9110), which also lets proxies notice that they run in a circle.
   */
  readonly via: {
    /**
     * Whether Via is added to requests and responses.
     */
    readonly enabled: boolean;
    /**
     * The name this proxy goes by in Via. Without one, `name.namespace`.
     */
    readonly pseudonym?: string;
  };
  /**
   * Whether origins of plain HTTP requests are told the client's address, and in which
   * header. `None` keeps clients private.
   */
  readonly forwardedHeader: 'None' | 'Forwarded' | 'XForwardedFor';
  /**
   * What happens to connections when a listener goes, or the pod.
   */
  readonly drain: {
    /**
     * How long open requests and tunnels may go on. At most 1h; `0s` cuts at once.
     */
    readonly timeout: string;
    /**
     * What is left is cut spread over this time, so that not every client comes back in the
     * same moment. At most 5m.
     */
    readonly jitter: string;
    /**
     * What happens to an open tunnel that an edit would now refuse. `Keep` lets it end on its
     * own, `Revoke` cuts it.
     */
    readonly onPolicyChange: 'Keep' | 'Revoke';
  };
  /**
   * One line per request and tunnel, written when it ends.
   */
  readonly accessLog: {
    /**
     * Whether lines are written.
     */
    readonly enabled: boolean;
    /**
     * Whether the query of a URL is left out, because it often carries secrets.
     */
    readonly redactQuery: boolean;
  };
  /**
   * Labels that cost a time series per value; off unless asked for.
   */
  readonly metrics: {
    /**
     * The label `client`.
     */
    readonly clientLabel: {
      /**
       * `Identity` is the user of the login, `IP` the client's address.
       */
      readonly mode: 'None' | 'Identity' | 'IP';
      /**
       * Number of different values; the rest is counted as `__other__`.
       */
      readonly max: number;
    };
    /**
     * The label `host`.
     */
    readonly hostLabel: {
      /**
       * `Host` is the host name the client asked for.
       */
      readonly mode: 'None' | 'Host';
      /**
       * Number of different values; the rest is counted as `__other__`.
       */
      readonly max: number;
    };
  };
};

/** What a user writes: everything that has a default may be left out. */
export type ForwardProxySpecAsWritten = {
  readonly pool?: string;
  readonly listeners: ReadonlyArray<{
    readonly name: string;
    readonly port?: number;
    readonly address?: string;
    readonly protocol?: 'HTTP' | 'SOCKS' | 'Mixed';
    readonly socksVersions?: ReadonlyArray<'SOCKS4' | 'SOCKS4a' | 'SOCKS5'>;
    readonly allowedClientCIDRs?: readonly string[];
  }>;
  readonly authentication?: {
    readonly mode?: 'None' | 'Basic';
    readonly basic?: {
      readonly secretRef: {
        readonly name: string;
      };
      readonly realm?: string;
    };
    readonly attempts?: number;
  };
  readonly connect?: {
    readonly enabled?: boolean;
    readonly allowedPorts?: ReadonlyArray<number | string>;
  };
  readonly egress?: {
    readonly defaultAction?: 'Allow' | 'Deny' | 'Report';
    readonly rules?: ReadonlyArray<{
      readonly name: string;
      readonly action: 'Allow' | 'Deny' | 'Report';
      readonly clients?: {
        readonly cidrs: readonly string[];
      };
      readonly hosts?: readonly string[];
      readonly ports?: ReadonlyArray<number | string>;
      readonly cidrs?: readonly string[];
    }>;
    readonly addressPolicy?: {
      readonly deny?: ReadonlyArray<
        | 'Loopback'
        | 'Private'
        | 'LinkLocal'
        | 'Multicast'
        | 'Unspecified'
        | 'CGNAT'
        | 'IPv4Embedding'
        | 'Reserved'
        | 'Metadata'
        | 'Self'
      >;
      readonly allowCIDRs?: readonly string[];
      readonly denyCIDRs?: readonly string[];
    };
  };
  readonly dns?: {
    readonly timeout?: string;
    readonly family?: 'Auto' | 'IPv4' | 'IPv6';
  };
  readonly timeouts?: {
    readonly handshake?: string;
    readonly requestHeaders?: string;
    readonly connect?: string;
    readonly responseHeaders?: string;
    readonly bodyIdle?: string;
    readonly idle?: string;
    readonly tunnelIdle?: string;
    readonly tunnelMax?: string;
    readonly halfClose?: string;
  };
  readonly limits?: {
    readonly connections?: number;
    readonly connectionsPerClient?: number;
    readonly tunnels?: number;
    readonly tunnelsPerClient?: number;
    readonly headerBytes?: number | string;
    readonly headerCount?: number;
    readonly targetBytes?: number | string;
  };
  readonly via?: {
    readonly enabled?: boolean;
    readonly pseudonym?: string;
  };
  readonly forwardedHeader?: 'None' | 'Forwarded' | 'XForwardedFor';
  readonly drain?: {
    readonly timeout?: string;
    readonly jitter?: string;
    readonly onPolicyChange?: 'Keep' | 'Revoke';
  };
  readonly accessLog?: {
    readonly enabled?: boolean;
    readonly redactQuery?: boolean;
  };
  readonly metrics?: {
    readonly clientLabel?: {
      readonly mode?: 'None' | 'Identity' | 'IP';
      readonly max?: number;
    };
    readonly hostLabel?: {
      readonly mode?: 'None' | 'Host';
      readonly max?: number;
    };
  };
};
