import type {
  HeaderChange,
  MatchConfig,
  MirrorConfig,
  MirrorRouteConfig,
  RuleConfig,
} from '../../contracts/kinds/mirror-route/config.ts';
import { servingConfig } from './serving-config.ts';

/** A whole configuration that sends everything to one backend and refuses nothing. */
export function mirrorRouteConfig(parts: Partial<MirrorRouteConfig> = {}): MirrorRouteConfig {
  return { ...everythingServed, ...parts };
}

/** Any request, to one backend, as it came. */
export function ruleConfig(parts: Partial<RuleConfig> = {}): RuleConfig {
  return { ...anything, ...parts };
}

export function matchConfig(parts: Partial<MatchConfig> = {}): MatchConfig {
  return { ...anyRequest, ...parts };
}

/** A copy of every request, as it came but for the mark. */
export function mirrorConfig(parts: Partial<MirrorConfig> = {}): MirrorConfig {
  return { ...everyCopy, ...parts };
}

export const noHeaderChange: HeaderChange = { set: [], add: [], remove: [] };

const anyRequest: MatchConfig = {
  path: { type: 'PathPrefix', value: '/' },
  headers: [],
  queryParams: [],
  method: null,
};

const anything: RuleConfig = {
  name: 'rule-1',
  matches: [anyRequest],
  requestHeaders: noHeaderChange,
  responseHeaders: noHeaderChange,
  rewrite: { hostname: null, path: null },
  backends: [
    {
      weight: 1,
      origin: {
        scheme: 'http',
        host: 'backend.example',
        port: 8080,
        service: null,
        protocol: 'HTTP1',
      },
    },
  ],
  timeouts: { requestMs: 15_000, backendRequestMs: 0 },
  mirrors: [],
};

const everyCopy: MirrorConfig = {
  name: 'canary',
  origin: { scheme: 'http', host: 'mirror.example', port: 8081, service: null, protocol: 'HTTP1' },
  fraction: { numerator: 100, denominator: 100 },
  sampling: { strategy: 'Random' },
  methods: [],
  path: null,
  hostname: { mode: 'Preserve' },
  requestHeaders: noHeaderChange,
  mark: { name: 'X-Mirrored-By', value: 'team-a/shop' },
  body: { mode: 'Include', maxBytes: 1_048_576, onOverflow: 'Skip' },
  timeouts: { connectMs: 2000, requestMs: 15_000 },
  limits: { concurrent: 64, queue: 256, bufferedBytes: 33_554_432, requestsPerSecond: 0 },
  circuitBreaker: {
    consecutiveFailures: 10,
    intervalMs: 30_000,
    openForMs: 10_000,
    maxOpenForMs: 300_000,
  },
  compare: {
    ...{ mode: 'Off', percent: 100, maxBytes: 1_048_576 },
    ...{ ignoreHeaders: [], ignoreJSONPointers: [] },
  },
};

const everythingServed: MirrorRouteConfig = {
  pool: 'default',
  created: '',
  listeners: [
    {
      name: 'main',
      port: 8080,
      address: '::',
      protocol: 'HTTP',
      tls: null,
      allowedClientCIDRs: ['0.0.0.0/0', '::/0'],
    },
  ],
  hostnames: [],
  rules: [anything],
  unresolved: [],
  addressPolicy: { deny: [], allowCIDRs: [], denyCIDRs: [] },
  ...servingConfig,
  via: { enabled: true, pseudonym: 'shop.team-a' },
  drain: { timeoutMs: 30_000, jitterMs: 5000 },
};
