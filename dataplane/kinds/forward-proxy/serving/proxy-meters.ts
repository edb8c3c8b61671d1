import type { ErrorCode } from '../../../../contracts/errors.ts';
import { type ResourceKey, resourceLabel } from '../../../../contracts/resource-key.ts';
import { type Bound, type Cell, type Meter, otherValues } from '../../../../runtime/count.ts';
import type { Outcome } from '../../../serving/access-log.ts';
import { createClientMeters, remembered } from '../../../serving/client-meters.ts';
import type { ClientMeters } from '../../../serving/serving-terms.ts';
import type { ServedResource } from '../../../workers/messages.ts';

/** The counters of one resource in one thread, looked up once. */
export type ProxyMeters = ClientMeters & {
  outcome(outcome: Outcome, nowMs: number, config: ServedResource<'ForwardProxy'>['config']): void;
  close(): void;
};

/** With these codes the user is only claimed. */
const unproven: ReadonlySet<string> = new Set<ErrorCode>([
  'authentication_required',
  'authentication_rate_limited',
  'authentication_overloaded',
]);

export function createProxyMeters(meter: Meter, key: ResourceKey): ProxyMeters {
  const scope = meter.scope();
  const resource = resourceLabel(key);
  const common = createClientMeters(scope, resource, {
    connectionsTotal: 'headgate_forward_proxy_connections_total',
    connections: 'headgate_forward_proxy_connections',
    requests: 'headgate_forward_proxy_requests_total',
    requestSeconds: 'headgate_forward_proxy_request_duration_seconds',
    tunnelSeconds: 'headgate_forward_proxy_tunnel_duration_seconds',
    tunnelsEnded: 'headgate_forward_proxy_tunnels_ended_total',
    bytes: 'headgate_forward_proxy_bytes_total',
    denied: 'headgate_forward_proxy_denied_total',
    upstreamErrors: 'headgate_forward_proxy_upstream_errors_total',
  });
  const clients = boundedLabel('client', (client, bound) =>
    scope.cell('headgate_forward_proxy_requests_by_client_total', { resource, client }, bound),
  );
  const hosts = boundedLabel('host', (host, bound) =>
    scope.cell('headgate_forward_proxy_requests_by_host_total', { resource, host }, bound),
  );

  return {
    ...common,
    outcome(outcome, nowMs, config) {
      common.outcome(outcome, nowMs);
      for (const rule of outcome.reported) {
        scope.cell('headgate_forward_proxy_would_deny_total', { resource, rule }).add(1);
      }
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
