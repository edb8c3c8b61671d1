import type { ForwardProxyConfig } from '../../contracts/kinds/forward-proxy/config.ts';
import type { MirrorRouteConfig } from '../../contracts/kinds/mirror-route/config.ts';

/** What all kinds that serve clients say alike in tests, unless a test says otherwise. */
export const servingConfig = {
  dns: { timeoutMs: 5000, family: 'Auto' },
  timeouts: {
    handshakeMs: 10_000,
    requestHeadersMs: 10_000,
    connectMs: 10_000,
    responseHeadersMs: 60_000,
    bodyIdleMs: 60_000,
    idleMs: 60_000,
    tunnelIdleMs: 600_000,
    tunnelMaxMs: 0,
    halfCloseMs: 30_000,
  },
  limits: {
    connections: 10_000,
    connectionsPerClient: 0,
    tunnels: 5000,
    tunnelsPerClient: 0,
    headerBytes: 16_384,
    headerCount: 100,
    targetBytes: 8192,
  },
  forwardedHeader: 'None',
  accessLog: { enabled: true, redactQuery: true },
} as const satisfies Partial<ForwardProxyConfig & MirrorRouteConfig>;
