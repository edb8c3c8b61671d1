import {
  type Check,
  count,
  fields,
  listOf,
  nullOr,
  oneOf,
  port,
  text,
  type ValueProblem,
  variantOf,
} from '../../check-value.ts';
import {
  accessLog,
  addressPolicy,
  dns,
  forwardedHeader,
  limits,
  listenerAddress,
  secretReference,
  timeouts,
  via,
} from '../check-serving.ts';

/** Whether a value from the log is exactly a MirrorRouteConfig; the first thing that is not, if so. */
export function checkMirrorRouteConfig(value: unknown): ValueProblem | null {
  return config(value, '');
}

const headerField = fields({ name: text, value: text });
const headerChange = fields({
  set: listOf(headerField),
  add: listOf(headerField),
  remove: listOf(text),
});
const pathChange = fields({
  type: oneOf('ReplaceFullPath', 'ReplacePrefixMatch', 'AddPrefix'),
  value: text,
});
const place = {
  scheme: text,
  host: text,
  port,
  service: nullOr(fields({ namespace: text, name: text, from: text })),
  protocol: oneOf('HTTP1', 'HTTP2'),
};
const caCertificates = fields({ namespace: text, name: text, pem: nullOr(text) });
const tls = fields({
  hostname: text,
  minVersion: oneOf('TLSv1.2', 'TLSv1.3'),
  caCertificates: nullOr(listOf(caCertificates)),
});
const origin = variantOf('scheme', { http: fields(place), https: fields({ ...place, tls }) });
const valueMatch = fields({
  type: oneOf('Exact', 'RegularExpression'),
  name: text,
  value: text,
});

const named = fields({ type: text, name: text });
const nameless = fields({ type: text });
const samplingKey = variantOf('type', {
  Header: named,
  Cookie: named,
  QueryParam: named,
  ClientIP: nameless,
  Path: nameless,
});
const sampling = variantOf('strategy', {
  Random: fields({ strategy: text }),
  Hash: fields({
    strategy: text,
    key: samplingKey,
    salt: text,
    onMissingKey: oneOf('Skip', 'Random'),
  }),
});

const literal = fields({ mode: text, value: text });
const plain = fields({ mode: text });
const hostname = variantOf('mode', {
  Preserve: plain,
  Backend: plain,
  Literal: literal,
  Suffix: literal,
});

/** A part of nothing has no meaning: it would copy everything, or nothing. */
const fraction: Check = (value, field) =>
  fields({ numerator: count, denominator: count })(value, field) ?? positive(value, field);

const positive: Check = (value, field) => {
  const { denominator } = value as { readonly denominator: number };
  if (denominator > 0) return null;
  return { field: `${field}.denominator`, problem: 'is not more than 0', unknownField: false };
};

const mirror = fields({
  name: text,
  origin,
  fraction,
  sampling,
  methods: listOf(text),
  path: nullOr(pathChange),
  hostname,
  requestHeaders: headerChange,
  mark: nullOr(headerField),
  body: fields({
    mode: oneOf('Include', 'Omit'),
    maxBytes: count,
    onOverflow: oneOf('Skip', 'Truncate'),
  }),
  timeouts: fields({ connectMs: count, requestMs: count }),
  limits: fields({
    concurrent: count,
    queue: count,
    bufferedBytes: count,
    requestsPerSecond: count,
  }),
  circuitBreaker: fields({
    consecutiveFailures: count,
    intervalMs: count,
    openForMs: count,
    maxOpenForMs: count,
  }),
  compare: fields({
    mode: oneOf('Off', 'Status', 'Headers', 'Body'),
    percent: count,
    ignoreHeaders: listOf(text),
    ignoreJSONPointers: listOf(text),
    maxBytes: count,
  }),
});

const rule = fields({
  name: text,
  matches: listOf(
    fields({
      path: fields({ type: oneOf('Exact', 'PathPrefix', 'RegularExpression'), value: text }),
      headers: listOf(valueMatch),
      queryParams: listOf(valueMatch),
      method: nullOr(text),
    }),
  ),
  requestHeaders: headerChange,
  responseHeaders: headerChange,
  rewrite: fields({ hostname: nullOr(text), path: nullOr(pathChange) }),
  backends: listOf(fields({ weight: count, origin })),
  timeouts: fields({ requestMs: count, backendRequestMs: count }),
  mirrors: listOf(mirror),
});

const config = fields({
  pool: text,
  created: text,
  listeners: listOf(
    fields({
      ...listenerAddress,
      protocol: oneOf('HTTP', 'HTTPS'),
      tls: nullOr(
        fields({
          certificates: listOf(secretReference),
          minVersion: oneOf('TLSv1.2', 'TLSv1.3'),
        }),
      ),
      allowedClientCIDRs: listOf(text),
    }),
  ),
  hostnames: listOf(text),
  rules: listOf(rule),
  unresolved: listOf(
    fields({
      mirror: text,
      reason: oneOf('BackendNotFound', 'RefNotPermitted', 'InvalidCACertificateRef'),
      message: text,
    }),
  ),
  addressPolicy,
  dns,
  timeouts,
  limits,
  via,
  forwardedHeader,
  drain: fields({ timeoutMs: count, jitterMs: count }),
  accessLog,
});
