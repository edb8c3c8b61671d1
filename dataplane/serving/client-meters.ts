import { type ErrorCode, errorCodes } from '../../contracts/errors.ts';
import type { Cell, HistogramCell, MeterScope } from '../../runtime/count.ts';
import type { Outcome, RequestType } from './access-log.ts';
import type { ClientMeters } from './serving-terms.ts';

/** The metrics of a kind that serves clients; those of one purpose have the same labels. */
export type ClientMetricNames = {
  readonly connectionsTotal: `${Prefix}_connections_total`;
  readonly connections: `${Prefix}_connections`;
  readonly requests: `${Prefix}_requests_total`;
  readonly requestSeconds: `${Prefix}_request_duration_seconds`;
  readonly tunnelSeconds:
    | 'headgate_forward_proxy_tunnel_duration_seconds'
    | 'headgate_mirror_route_upgrade_duration_seconds';
  readonly tunnelsEnded:
    | 'headgate_forward_proxy_tunnels_ended_total'
    | 'headgate_mirror_route_upgrades_ended_total';
  readonly bytes: `${Prefix}_bytes_total`;
  readonly denied: `${Prefix}_denied_total`;
  readonly upstreamErrors: `${Prefix}_upstream_errors_total`;
};

type Prefix = 'headgate_forward_proxy' | 'headgate_mirror_route';

/** Why something was refused on purpose, in the few words of the metric. */
const deniedReasons: Partial<Record<ErrorCode, string>> = {
  client_address_denied: 'client_cidr',
  authentication_required: 'auth',
  authentication_rate_limited: 'auth',
  http_request_denied: 'rule',
  route_not_found: 'no_rule',
  destination_ip_prohibited: 'address',
  port_denied: 'port',
  connection_limit_reached: 'limit',
  request_headers_too_large: 'limit',
  request_target_too_long: 'limit',
  proxy_loop_detected: 'loop',
};

export type OutcomeMeters = ClientMeters & { outcome(outcome: Outcome, nowMs: number): void };

/** The counters of one resource in one thread, looked up once. */
export function createClientMeters(
  scope: MeterScope,
  resource: string,
  names: ClientMetricNames,
): OutcomeMeters {
  const connections = scope.cell(names.connections, { resource });
  const tunnels = scope.cell('headgate_tunnels', { resource, relay: 'stream' });
  const received = scope.cell(names.bytes, { resource, direction: 'received' });
  const sent = scope.cell(names.bytes, { resource, direction: 'sent' });
  const tunnelSeconds = scope.histogram(names.tunnelSeconds, { resource });
  const requestSeconds = new Map<RequestType, HistogramCell>();
  const requests = new Map<string, Cell>();

  const secondsOf = (type: RequestType) =>
    remembered(requestSeconds, type, () =>
      scope.histogram(names.requestSeconds, { resource, type }),
    );

  function countRefusal({ code, verdict }: Outcome): void {
    if (code === null || !isErrorCode(code)) return;
    if (verdict === 'denied') {
      const reason = deniedReasons[code] ?? 'invalid';
      scope.cell(names.denied, { resource, reason }).add(1);
    } else if (verdict === 'failed' && errorCodes[code].side === 'upstream') {
      scope.cell(names.upstreamErrors, { resource, error_type: code }).add(1);
    }
  }

  return {
    connectionOpened: () => connections.add(1),
    connectionClosed: () => connections.add(-1),
    protocolSeen: (listener, protocol) =>
      scope.cell(names.connectionsTotal, { resource, listener, protocol }).add(1),
    tunnelEstablished(type, seconds) {
      tunnels.add(1);
      secondsOf(type).observe(seconds);
    },
    tunnelEnded(reason, seconds) {
      tunnels.add(-1);
      tunnelSeconds.observe(seconds);
      scope.cell(names.tunnelsEnded, { resource, reason }).add(1);
    },
    bytes(fromClient, toClient) {
      received.add(fromClient);
      sent.add(toClient);
    },
    outcome(outcome, nowMs) {
      const { type, status, rule } = outcome;
      const code = String(status);
      remembered(requests, `${type} ${code} ${rule}`, () =>
        scope.cell(names.requests, { resource, type, code, rule }),
      ).add(1);
      if (type === 'plain') secondsOf(type).observe((nowMs - outcome.startedMs) / 1000);
      countRefusal(outcome);
    },
  };
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorCodes, code);
}

export function remembered<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
