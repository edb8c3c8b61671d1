import { type ErrorCode, errorCodes } from '../../../../contracts/errors.ts';
import { type ResourceKey, resourceLabel } from '../../../../contracts/resource-key.ts';
import {
  type Bound,
  type Cell,
  type HistogramCell,
  type Meter,
  type MeterScope,
  otherValues,
} from '../../../../runtime/count.ts';
import type { ServedResource } from '../../../workers/messages.ts';
import type { Outcome, RequestType } from './access-log.ts';

/** The counters of one resource in one thread, looked up once. */
export type ProxyMeters = {
  connectionOpened(listener: string): void;
  connectionClosed(): void;
  protocolSeen(listener: string, protocol: string): void;
  tunnelEstablished(type: RequestType, seconds: number): void;
  tunnelEnded(reason: string, seconds: number): void;
  bytes(received: number, sent: number): void;
  outcome(outcome: Outcome, nowMs: number, config: ServedResource<'ForwardProxy'>['config']): void;
  close(): void;
};

/** With these codes the user is only claimed. */
const unproven: ReadonlySet<string> = new Set<ErrorCode>([
  'authentication_required',
  'authentication_rate_limited',
  'authentication_overloaded',
]);

/** Why something was refused on purpose, in the few words of the metric. */
const deniedReasons: Partial<Record<ErrorCode, string>> = {
  client_address_denied: 'client_cidr',
  authentication_required: 'auth',
  authentication_rate_limited: 'auth',
  http_request_denied: 'rule',
  destination_ip_prohibited: 'address',
  port_denied: 'port',
  connection_limit_reached: 'limit',
  request_headers_too_large: 'limit',
  request_target_too_long: 'limit',
  proxy_loop_detected: 'loop',
};

export function createProxyMeters(meter: Meter, key: ResourceKey): ProxyMeters {
  const scope = meter.scope();
  const resource = resourceLabel(key);
  const connections = scope.cell('headgate_forward_proxy_connections', { resource });
  const tunnels = scope.cell('headgate_tunnels', { resource, relay: 'stream' });
  const received = scope.cell('headgate_forward_proxy_bytes_total', {
    resource,
    direction: 'received',
  });
  const sent = scope.cell('headgate_forward_proxy_bytes_total', { resource, direction: 'sent' });
  const tunnelSeconds = scope.histogram('headgate_forward_proxy_tunnel_duration_seconds', {
    resource,
  });
  const requestSeconds = new Map<RequestType, HistogramCell>();
  const requests = new Map<string, Cell>();
  const clients = boundedLabel('client', (client, bound) =>
    scope.cell('headgate_forward_proxy_requests_by_client_total', { resource, client }, bound),
  );
  const hosts = boundedLabel('host', (host, bound) =>
    scope.cell('headgate_forward_proxy_requests_by_host_total', { resource, host }, bound),
  );

  const secondsOf = (type: RequestType) =>
    remembered(requestSeconds, type, () =>
      scope.histogram('headgate_forward_proxy_request_duration_seconds', { resource, type }),
    );

  return {
    connectionOpened: () => connections.add(1),
    connectionClosed: () => connections.add(-1),
    protocolSeen: (listener, protocol) =>
      scope
        .cell('headgate_forward_proxy_connections_total', { resource, listener, protocol })
        .add(1),
    tunnelEstablished(type, seconds) {
      tunnels.add(1);
      secondsOf(type).observe(seconds);
    },
    tunnelEnded(reason, seconds) {
      tunnels.add(-1);
      tunnelSeconds.observe(seconds);
      scope.cell('headgate_forward_proxy_tunnels_ended_total', { resource, reason }).add(1);
    },
    bytes(fromClient, toClient) {
      received.add(fromClient);
      sent.add(toClient);
    },
    outcome(outcome, nowMs, config) {
      const { type, status, rule } = outcome;
      const code = String(status);
      remembered(requests, `${type} ${code} ${rule}`, () =>
        scope.cell('headgate_forward_proxy_requests_total', { resource, type, code, rule }),
      ).add(1);
      if (type === 'plain') secondsOf(type).observe((nowMs - outcome.startedMs) / 1000);
      countRefusal(scope, resource, outcome);
      const { clientLabel, hostLabel } = config.metrics;
      if (clientLabel.mode !== 'None') {
        // A name nobody vouched for would take the place of a user's.
        const user = unproven.has(outcome.code ?? '') ? null : outcome.user;
        const client = clientLabel.mode === 'IP' ? outcome.connection.client.text : user;
        clients(client ?? '', clientLabel.max);
      }
      if (hostLabel.mode !== 'None' && outcome.host !== null) hosts(outcome.host, hostLabel.max);
    },
    close: scope.close,
  };
}

function countRefusal(
  scope: MeterScope,
  resource: string,
  { code, verdict, reported }: Outcome,
): void {
  for (const rule of reported) {
    scope.cell('headgate_forward_proxy_would_deny_total', { resource, rule }).add(1);
  }
  if (code === null || !isErrorCode(code)) return;
  if (verdict === 'denied') {
    const reason = deniedReasons[code] ?? 'invalid';
    scope.cell('headgate_forward_proxy_denied_total', { resource, reason }).add(1);
  } else if (verdict === 'failed' && errorCodes[code].side === 'upstream') {
    const labels = { resource, error_type: code };
    scope.cell('headgate_forward_proxy_upstream_errors_total', labels).add(1);
  }
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorCodes, code);
}

/** A label clients choose: so many values get a series of their own, the rest share one. */
function boundedLabel(
  label: string,
  cellOf: (value: string, bound: Bound) => Cell,
): (value: string, max: number) => void {
  const seen = new Map<string, Cell>();
  return (value, max) => {
    const named = seen.size - Number(seen.has('')); // nobody in particular takes no place
    const shown = value === '' || seen.has(value) || named < max ? value : otherValues;
    remembered(seen, shown, () => cellOf(shown, { label, max })).add(1);
  };
}

function remembered<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
