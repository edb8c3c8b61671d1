// Generated from crds/mirror-route.yaml by `npm run generate`. Change that file instead.

/** What a user asks for, with the defaults of the schema filled in. */
export type MirrorRouteSpec = {
  /**
   * The pool of pods that serves this route.
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
     * TCP port. MirrorRoutes of one pool share it where their listeners have the same name,
     * address, protocol and minVersion; the oldest owns it.
     */
    readonly port: number;
    /**
     * IP address to listen on. `::` is every address, IPv6 and IPv4 (`0.0.0.0` is taken where
     * IPv6 is off); `127.0.0.1` serves only this machine.
     */
    readonly address: string;
    /**
     * What clients speak. `HTTP` is HTTP/1.1 and HTTP/1.0 without TLS; `HTTPS` is HTTP/2,
     * HTTP/1.1 and HTTP/1.0 over TLS, whichever of them the client prefers.
     */
    readonly protocol: 'HTTP' | 'HTTPS';
    /**
     * How TLS is spoken with protocol HTTPS.
     */
    readonly tls?: {
      /**
       * Secrets in the same namespace with a certificate chain (key `tls.crt`) and its private
       * key (`tls.key`), both PEM, as cert-manager and `kubectl create secret tls` make them.
       * Clients get the first one that is for the host they name; who names none, or one that no
       * certificate is for, gets the first of the list. A Secret that changes is used for the
       * next connection.
       */
      readonly certificateRefs: ReadonlyArray<{
        /**
         * Name of the Secret.
         */
        readonly name: string;
      }>;
      /**
       * The oldest version of TLS that is spoken.
       */
      readonly minVersion: 'TLS1.2' | 'TLS1.3';
    };
    /**
     * Client addresses that may connect; everyone else is refused. The default is this machine
     * and private networks. Everyone is written `0.0.0.0/0` and `::/0`.
     */
    readonly allowedClientCIDRs: readonly string[];
  }>;
  /**
   * Hosts that requests may be for (their Host field, whatever port it names), exact
   * (`shop.example.com`) or all names below one (`*.example.com`, which is not `example.com`
   * itself). Without it, any. Others are answered 404, or by another route that shares the
   * listener.
   */
  readonly hostnames?: readonly string[];
  /**
   * Where requests go. The match that says the most wins, as in HTTPRoute: an exact path,
   * then a regular expression, then the longest prefix; among equals the one with a method,
   * then with more headers, then with more query parameters, then the rule written first.
   * What no rule matches is answered 404.
   */
  readonly rules: ReadonlyArray<{
    /**
     * Name of the rule, unique in this resource; it appears in logs and metrics. Without one,
     * `rule-1` for the first rule, `rule-2` for the second and so on.
     */
    readonly name?: string;
    /**
     * Which requests the rule is for: those that one of these matches. A match matches when
     * everything it lists does. Without any, all requests.
     */
    readonly matches: ReadonlyArray<{
      /**
       * The path, without the query. It is compared byte for byte: nothing is decoded or put in
       * order first.
       */
      readonly path: {
        /**
         * `Exact` is this path, `PathPrefix` this path and everything below it (`/shop` is `/shop`
         * and `/shop/cart`, not `/shopping`), `RegularExpression` an expression in RE2's language
         * that the whole path has to match.
         */
        readonly type: 'Exact' | 'PathPrefix' | 'RegularExpression';
        /**
         * The path, the prefix or the expression.
         */
        readonly value: string;
      };
      /**
       * Header fields, all of which must match. Several lines of one field are one list, joined
       * with a comma and a blank.
       */
      readonly headers?: ReadonlyArray<{
        /**
         * `RegularExpression` is an expression in RE2's language that the whole value has to
         * match.
         */
        readonly type: 'Exact' | 'RegularExpression';
        /**
         * Name of the field; case makes no difference.
         */
        readonly name: string;
        /**
         * The value, or the expression.
         */
        readonly value: string;
      }>;
      /**
       * Parameters of the query, all of which must match. Of several with one name the first
       * counts.
       */
      readonly queryParams?: ReadonlyArray<{
        /**
         * `RegularExpression` is an expression in RE2's language that the whole value has to
         * match.
         */
        readonly type: 'Exact' | 'RegularExpression';
        /**
         * Name of the parameter, decoded; case makes a difference.
         */
        readonly name: string;
        /**
         * The decoded value, or the expression.
         */
        readonly value: string;
      }>;
      /**
       * The method.
       */
      readonly method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE' | 'OPTIONS' | 'PATCH';
    }>;
    /**
     * What becomes of requests and answers on their way. Copies are made of what the backend
     * gets, so they see it too.
     */
    readonly filters?: ReadonlyArray<{
      /**
       * Which filter it is; each at most once per rule.
       */
      readonly type: 'RequestHeaderModifier' | 'ResponseHeaderModifier' | 'URLRewrite';
      /**
       * Header fields of requests.
       */
      readonly requestHeaderModifier?: {
        /**
         * Fields that get this value, whether they were there or not.
         */
        readonly set?: ReadonlyArray<{
          /**
           * Name of the field; case makes no difference.
           */
          readonly name: string;
          /**
           * Its value, in visible ASCII.
           */
          readonly value: string;
        }>;
        /**
         * Fields that get this value beside those they have.
         */
        readonly add?: ReadonlyArray<{
          /**
           * Name of the field; case makes no difference.
           */
          readonly name: string;
          /**
           * Its value, in visible ASCII.
           */
          readonly value: string;
        }>;
        /**
         * Names of fields that are left out; `set` and `add` come after.
         */
        readonly remove?: readonly string[];
      };
      /**
       * Header fields of answers, as clients get them.
       */
      readonly responseHeaderModifier?: {
        /**
         * Fields that get this value, whether they were there or not.
         */
        readonly set?: ReadonlyArray<{
          /**
           * Name of the field; case makes no difference.
           */
          readonly name: string;
          /**
           * Its value, in visible ASCII.
           */
          readonly value: string;
        }>;
        /**
         * Fields that get this value beside those they have.
         */
        readonly add?: ReadonlyArray<{
          /**
           * Name of the field; case makes no difference.
           */
          readonly name: string;
          /**
           * Its value, in visible ASCII.
           */
          readonly value: string;
        }>;
        /**
         * Names of fields that are left out; `set` and `add` come after.
         */
        readonly remove?: readonly string[];
      };
      /**
       * What backends are asked for.
       */
      readonly urlRewrite?: {
        /**
         * The Host that backends get. Without it, the one of the request.
         */
        readonly hostname?: string;
        /**
         * The path that backends get. The query stays as it came, byte for byte.
         */
        readonly path?: {
          /**
           * `ReplaceFullPath` puts another path in place of the whole, `ReplacePrefixMatch` in place
           * of the prefix that matched: with `/shop` and `/v2`, `/shop/cart` becomes `/v2/cart`.
           */
          readonly type: 'ReplaceFullPath' | 'ReplacePrefixMatch';
          /**
           * The whole path.
           */
          readonly replaceFullPath?: string;
          /**
           * What stands in place of the prefix. `/` takes it away.
           */
          readonly replacePrefixMatch?: string;
        };
      };
    }>;
    /**
     * Where requests of this rule go, one of these each.
     */
    readonly backendRefs: ReadonlyArray<{
      /**
       * A Service. Requests go in turn to those of its endpoints that are ready, as they come
       * and go.
       */
      readonly name?: string;
      /**
       * The namespace of that Service, if it is another one: a ReferenceGrant there has to
       * permit it.
       */
      readonly namespace?: string;
      /**
       * A port of that Service.
       */
      readonly port?: number;
      /**
       * `http://host`, `http://host:port` or the same with https://, by name or address and
       * without path; the port is 80, of https:// 443, unless it is written.
       */
      readonly url?: string;
      /**
       * What is spoken there. HTTP2 is for gRPC, and for whoever is known to speak it: without
       * TLS nobody is asked, over TLS it has to be offered (ALPN).
       */
      readonly protocol: 'HTTP1' | 'HTTP2';
      /**
       * With it requests go over TLS, and it says how certificates are checked: they always are.
       * A url that begins with https:// goes over TLS without it, too.
       */
      readonly tls?: {
        /**
         * The name that certificates must have, which is also asked for (SNI). Without it, the
         * host of the url; of a Service, `NAME.NAMESPACE.svc`.
         */
        readonly hostname?: string;
        /**
         * Secrets in the same namespace whose key `ca.crt` holds PEM certificates, 64 KiB at most:
         * who may sign certificates. Without it, the public authorities that Node.js knows.
         */
        readonly caCertificateRefs?: ReadonlyArray<{
          /**
           * Name of the Secret.
           */
          readonly name: string;
        }>;
        /**
         * The oldest version of TLS that is spoken.
         */
        readonly minVersion: 'TLS1.2' | 'TLS1.3';
      };
      /**
       * Its share of the requests, of the sum of all weights. 0 gets none; where all are 0,
       * requests are answered 500.
       */
      readonly weight: number;
    }>;
    /**
     * How long answers may take. Both count; the shorter one ends a request with 504.
     */
    readonly timeouts: {
      /**
       * From the end of the request to the head of its answer: neither a long upload nor a long
       * answer counts, `spec.timeouts.bodyIdle` is for those. `0s` is no limit.
       */
      readonly request: string;
      /**
       * The same for one attempt at a backend. `0s` is no limit.
       */
      readonly backendRequest: string;
    };
    /**
     * Who gets copies of the requests of this rule. Their answers are read and thrown away.
     * Nothing that a mirror does or fails to do changes what clients and backends see.
     */
    readonly mirrors?: ReadonlyArray<{
      /**
       * Name of the mirror, unique in its rule; it appears in metrics.
       */
      readonly name: string;
      /**
       * Where copies go, each to one of those who serve it.
       */
      readonly backendRef: {
        /**
         * A Service. Requests go in turn to those of its endpoints that are ready, as they come
         * and go.
         */
        readonly name?: string;
        /**
         * The namespace of that Service, if it is another one: a ReferenceGrant there has to
         * permit it.
         */
        readonly namespace?: string;
        /**
         * A port of that Service.
         */
        readonly port?: number;
        /**
         * As in `backendRefs`.
         */
        readonly url?: string;
        /**
         * As in `backendRefs`.
         */
        readonly protocol: 'HTTP1' | 'HTTP2';
      };
      /**
       * With it copies go over TLS: as `tls` in `backendRefs`.
       */
      readonly tls?: {
        /**
         * As in `backendRefs`.
         */
        readonly hostname?: string;
        /**
         * As in `backendRefs`.
         */
        readonly caCertificateRefs?: ReadonlyArray<{
          /**
           * Name of the Secret.
           */
          readonly name: string;
        }>;
        /**
         * The oldest version of TLS that is spoken.
         */
        readonly minVersion: 'TLS1.2' | 'TLS1.3';
      };
      /**
       * How many requests of 100 are copied. Without it and `fraction`, all.
       */
      readonly percent?: number;
      /**
       * The same for what percent cannot say; `1` of `100000`, for instance.
       */
      readonly fraction?: {
        /**
         * So many of `denominator` requests are copied.
         */
        readonly numerator: number;
        /**
         * The whole that `numerator` is a part of.
         */
        readonly denominator: number;
      };
      /**
       * Which requests are copied, if not all.
       */
      readonly sampling: {
        /**
         * `Random` decides by chance for each request. `Hash` decides by what a key says, on every
         * pod alike: whoever is copied once is always copied, and a larger share only adds to
         * them.
         */
        readonly strategy: 'Random' | 'Hash';
        /**
         * What requests that belong together have in common.
         */
        readonly key?: {
          /**
           * Where it stands. `ClientIP` is the client's address, `Path` the path without query.
           */
          readonly type: 'Header' | 'Cookie' | 'QueryParam' | 'ClientIP' | 'Path';
          /**
           * Name of the header, cookie or query parameter.
           */
          readonly name?: string;
        };
        /**
         * Hashed together with the key. Mirrors with different salts copy different requests,
         * those with equal ones the same.
         */
        readonly salt: string;
        /**
         * What happens to requests without the key. `Random` treats them as that strategy does.
         */
        readonly onMissingKey: 'Skip' | 'Random';
      };
      /**
       * Methods that are copied. Without it, all. Copies are real requests: a mirror that shares
       * a database with the primary should get no more than `[GET, HEAD, OPTIONS]`.
       */
      readonly methods?: ReadonlyArray<
        'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE' | 'OPTIONS' | 'PATCH'
      >;
      /**
       * The path of copies, made of the one that the backend gets, which is the default. The
       * query stays as it came, byte for byte.
       */
      readonly path?: {
        /**
         * `ReplaceFullPath` puts `value` in place of the whole path, `ReplacePrefixMatch` in place
         * of the prefix that the rule matched (or put there), `AddPrefix` before the whole path.
         */
        readonly type: 'ReplaceFullPath' | 'ReplacePrefixMatch' | 'AddPrefix';
        /**
         * The path, or the prefix.
         */
        readonly value: string;
      };
      /**
       * The Host of copies.
       */
      readonly hostname: {
        /**
         * `Preserve` is the one that the backend gets, `Backend` that of the mirror's own URL,
         * `Literal` is `value`, and `Suffix` puts `value` behind the name, before the port;
         * addresses stay as they are.
         */
        readonly mode: 'Preserve' | 'Backend' | 'Literal' | 'Suffix';
        /**
         * With Literal a host, with or without port. With Suffix the suffix, `-shadow` unless it
         * is written.
         */
        readonly value?: string;
      };
      /**
       * Header fields of copies only; neither backends nor clients see it.
       */
      readonly requestHeaderModifier?: {
        /**
         * Fields that get this value, whether they were there or not.
         */
        readonly set?: ReadonlyArray<{
          /**
           * Name of the field; case makes no difference.
           */
          readonly name: string;
          /**
           * Its value, in visible ASCII.
           */
          readonly value: string;
        }>;
        /**
         * Fields that get this value beside those they have.
         */
        readonly add?: ReadonlyArray<{
          /**
           * Name of the field; case makes no difference.
           */
          readonly name: string;
          /**
           * Its value, in visible ASCII.
           */
          readonly value: string;
        }>;
        /**
         * Names of fields that are left out; `set` and `add` come after.
         */
        readonly remove?: readonly string[];
      };
      /**
       * A header field that tells copies from originals. A request that has this field with this
       * value is a copy that came back, and is not copied again.
       */
      readonly mark: {
        /**
         * Name of the field.
         */
        readonly header: string;
        /**
         * Visible ASCII without blanks and commas. Without it, `namespace/name` of this resource.
         */
        readonly value?: string;
        /**
         * Whether copies are not marked. Then nothing stops copies from being copied again.
         */
        readonly disabled: boolean;
      };
      /**
       * Bodies of copies. They are held in memory while a copy waits and goes out.
       */
      readonly body: {
        /**
         * `Omit` sends copies without body, and without the fields that describe one.
         */
        readonly mode: 'Include' | 'Omit';
        /**
         * The longest body that is copied: at most 64Mi.
         */
        readonly maxBytes: number | string;
        /**
         * What happens to requests with a longer body. `Skip` does not copy them; `Truncate`
         * copies the beginning, in a copy that says so in a field `Mirror-Truncated`.
         */
        readonly onOverflow: 'Skip' | 'Truncate';
      };
      /**
       * How long copies may take. At most 60s each.
       */
      readonly timeouts: {
        /**
         * For the connection to the mirror, all its addresses together.
         */
        readonly connect: string;
        /**
         * For the whole copy, from its turn to the end of its answer.
         */
        readonly request: string;
      };
      /**
       * How much copies may take, per pod. What goes beyond is not copied, and counted.
       */
      readonly limits: {
        /**
         * Copies under way at once.
         */
        readonly concurrent: number;
        /**
         * Copies that wait for their turn. When it is full, the newest is dropped.
         */
        readonly queue: number;
        /**
         * Bytes of bodies held for copies: at most 1024Mi.
         */
        readonly bufferedBytes: number | string;
        /**
         * Copies begun per second. 0 is no limit.
         */
        readonly requestsPerSecond: number;
      };
      /**
       * When a mirror that fails is left alone for a while.
       */
      readonly circuitBreaker: {
        /**
         * So many failures in a row, and no more copies are sent. 0 switches it off.
         */
        readonly consecutiveFailures: number;
        /**
         * A failure that is longer ago does not count any more.
         */
        readonly interval: string;
        /**
         * How long no copies are sent. After that one is tried: if it fails too, the time doubles.
         */
        readonly openFor: string;
        /**
         * The longest it becomes.
         */
        readonly maxOpenFor: string;
      };
      /**
       * Whether answers of the mirror are compared with those that clients get, and counted as
       * equal or not.
       */
      readonly compare: {
        /**
         * How far: `Headers` compares status and header fields, `Body` the body too, by digests
         * made as both pass through. `None` compares nothing.
         */
        readonly mode: 'None' | 'Status' | 'Headers' | 'Body';
        /**
         * How many answered copies of 100 are compared, by chance. The others are counted as
         * not_sampled, and cost nothing.
         */
        readonly percent: number;
        /**
         * Header fields that may differ. Those of a connection, Content-Length and
         * Transfer-Encoding always may.
         */
        readonly ignoreHeaders: readonly string[];
        /**
         * Values of JSON bodies that may differ or be missing, as JSON Pointers (RFC 6901):
         * `/meta/time`, `/items/0/id`. What is left is compared by value. The bodies of both
         * answers are held until then, within `limits.bufferedBytes`.
         */
        readonly ignoreJSONPointers?: readonly string[];
        /**
         * Longer bodies are not compared, but counted as incomparable: at most 64Mi, and 4Mi with
         * `ignoreJSONPointers`.
         */
        readonly maxBytes: number | string;
      };
    }>;
  }>;
  /**
   * Addresses no request and no copy goes to, whatever name a backend or mirror has. What is
   * private is open, since backends are there.
   */
  readonly addressPolicy: {
    /**
     * Classes of addresses that are refused. `Private` is RFC 1918 and fc00::/7, `Metadata`
     * the metadata services of clouds, `IPv4Embedding` IPv6 addresses that hide an IPv4 one,
     * `Self` the pod's own listeners and admin address, which `allowCIDRs` never opens.
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
  /**
   * How names of backends and mirrors are resolved.
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
   * How long each step may take. Durations as in `500ms`, `30s`, `1h30m`; at most 168h. How
   * long an answer may take stands in each rule.
   */
  readonly timeouts: {
    /**
     * From accepting a connection to its first byte.
     */
    readonly handshake: string;
    /**
     * From the first byte of a request to the end of its headers.
     */
    readonly requestHeaders: string;
    /**
     * For the connection to a backend, all its addresses together.
     */
    readonly connect: string;
    /**
     * For the answer to a request that asks for another protocol. For all others there are the
     * `timeouts` of the rule.
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
     * A connection that switched protocols (a WebSocket) and in which nothing moved for this
     * long is closed.
     */
    readonly upgradeIdle: string;
    /**
     * The longest life of such a connection, busy or not. `0s` is no limit.
     */
    readonly upgradeMax: string;
    /**
     * How long such a connection lives on after one side has finished sending.
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
     * Open connections that switched protocols at once.
     */
    readonly upgrades: number;
    /**
     * The same from one client address. 0 is no limit of its own.
     */
    readonly upgradesPerClient: number;
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
     * The name this route goes by in Via. Without one, `name.namespace`.
     */
    readonly pseudonym?: string;
  };
  /**
   * Whether backends are told the client's address, and in which header. Copies have it too.
   * `None` keeps clients private.
   */
  readonly forwardedHeader: 'None' | 'Forwarded' | 'XForwardedFor';
  /**
   * What happens to connections when a listener goes, or the pod.
   */
  readonly drain: {
    /**
     * How long open requests and connections that switched protocols may go on. At most 1h;
     * `0s` cuts at once.
     */
    readonly timeout: string;
    /**
     * What is left is cut spread over this time, so that not every client comes back in the
     * same moment. At most 5m.
     */
    readonly jitter: string;
  };
  /**
   * One line per request, written when it ends. Copies have none.
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
};

/** What a user writes: everything that has a default may be left out. */
export type MirrorRouteSpecAsWritten = {
  readonly pool?: string;
  readonly listeners: ReadonlyArray<{
    readonly name: string;
    readonly port: number;
    readonly address?: string;
    readonly protocol?: 'HTTP' | 'HTTPS';
    readonly tls?: {
      readonly certificateRefs: ReadonlyArray<{
        readonly name: string;
      }>;
      readonly minVersion?: 'TLS1.2' | 'TLS1.3';
    };
    readonly allowedClientCIDRs?: readonly string[];
  }>;
  readonly hostnames?: readonly string[];
  readonly rules: ReadonlyArray<{
    readonly name?: string;
    readonly matches?: ReadonlyArray<{
      readonly path?: {
        readonly type?: 'Exact' | 'PathPrefix' | 'RegularExpression';
        readonly value?: string;
      };
      readonly headers?: ReadonlyArray<{
        readonly type?: 'Exact' | 'RegularExpression';
        readonly name: string;
        readonly value: string;
      }>;
      readonly queryParams?: ReadonlyArray<{
        readonly type?: 'Exact' | 'RegularExpression';
        readonly name: string;
        readonly value: string;
      }>;
      readonly method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE' | 'OPTIONS' | 'PATCH';
    }>;
    readonly filters?: ReadonlyArray<{
      readonly type: 'RequestHeaderModifier' | 'ResponseHeaderModifier' | 'URLRewrite';
      readonly requestHeaderModifier?: {
        readonly set?: ReadonlyArray<{
          readonly name: string;
          readonly value: string;
        }>;
        readonly add?: ReadonlyArray<{
          readonly name: string;
          readonly value: string;
        }>;
        readonly remove?: readonly string[];
      };
      readonly responseHeaderModifier?: {
        readonly set?: ReadonlyArray<{
          readonly name: string;
          readonly value: string;
        }>;
        readonly add?: ReadonlyArray<{
          readonly name: string;
          readonly value: string;
        }>;
        readonly remove?: readonly string[];
      };
      readonly urlRewrite?: {
        readonly hostname?: string;
        readonly path?: {
          readonly type: 'ReplaceFullPath' | 'ReplacePrefixMatch';
          readonly replaceFullPath?: string;
          readonly replacePrefixMatch?: string;
        };
      };
    }>;
    readonly backendRefs: ReadonlyArray<{
      readonly name?: string;
      readonly namespace?: string;
      readonly port?: number;
      readonly url?: string;
      readonly protocol?: 'HTTP1' | 'HTTP2';
      readonly tls?: {
        readonly hostname?: string;
        readonly caCertificateRefs?: ReadonlyArray<{
          readonly name: string;
        }>;
        readonly minVersion?: 'TLS1.2' | 'TLS1.3';
      };
      readonly weight?: number;
    }>;
    readonly timeouts?: {
      readonly request?: string;
      readonly backendRequest?: string;
    };
    readonly mirrors?: ReadonlyArray<{
      readonly name: string;
      readonly backendRef: {
        readonly name?: string;
        readonly namespace?: string;
        readonly port?: number;
        readonly url?: string;
        readonly protocol?: 'HTTP1' | 'HTTP2';
      };
      readonly tls?: {
        readonly hostname?: string;
        readonly caCertificateRefs?: ReadonlyArray<{
          readonly name: string;
        }>;
        readonly minVersion?: 'TLS1.2' | 'TLS1.3';
      };
      readonly percent?: number;
      readonly fraction?: {
        readonly numerator: number;
        readonly denominator?: number;
      };
      readonly sampling?: {
        readonly strategy?: 'Random' | 'Hash';
        readonly key?: {
          readonly type: 'Header' | 'Cookie' | 'QueryParam' | 'ClientIP' | 'Path';
          readonly name?: string;
        };
        readonly salt?: string;
        readonly onMissingKey?: 'Skip' | 'Random';
      };
      readonly methods?: ReadonlyArray<
        'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE' | 'OPTIONS' | 'PATCH'
      >;
      readonly path?: {
        readonly type: 'ReplaceFullPath' | 'ReplacePrefixMatch' | 'AddPrefix';
        readonly value: string;
      };
      readonly hostname?: {
        readonly mode?: 'Preserve' | 'Backend' | 'Literal' | 'Suffix';
        readonly value?: string;
      };
      readonly requestHeaderModifier?: {
        readonly set?: ReadonlyArray<{
          readonly name: string;
          readonly value: string;
        }>;
        readonly add?: ReadonlyArray<{
          readonly name: string;
          readonly value: string;
        }>;
        readonly remove?: readonly string[];
      };
      readonly mark?: {
        readonly header?: string;
        readonly value?: string;
        readonly disabled?: boolean;
      };
      readonly body?: {
        readonly mode?: 'Include' | 'Omit';
        readonly maxBytes?: number | string;
        readonly onOverflow?: 'Skip' | 'Truncate';
      };
      readonly timeouts?: {
        readonly connect?: string;
        readonly request?: string;
      };
      readonly limits?: {
        readonly concurrent?: number;
        readonly queue?: number;
        readonly bufferedBytes?: number | string;
        readonly requestsPerSecond?: number;
      };
      readonly circuitBreaker?: {
        readonly consecutiveFailures?: number;
        readonly interval?: string;
        readonly openFor?: string;
        readonly maxOpenFor?: string;
      };
      readonly compare?: {
        readonly mode?: 'None' | 'Status' | 'Headers' | 'Body';
        readonly percent?: number;
        readonly ignoreHeaders?: readonly string[];
        readonly ignoreJSONPointers?: readonly string[];
        readonly maxBytes?: number | string;
      };
    }>;
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
    readonly upgradeIdle?: string;
    readonly upgradeMax?: string;
    readonly halfClose?: string;
  };
  readonly limits?: {
    readonly connections?: number;
    readonly connectionsPerClient?: number;
    readonly upgrades?: number;
    readonly upgradesPerClient?: number;
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
  };
  readonly accessLog?: {
    readonly enabled?: boolean;
    readonly redactQuery?: boolean;
  };
};
