import { type ResourceKey, resourceLabel } from '../../../../contracts/resource-key.ts';
import type { Meter } from '../../../../runtime/count.ts';
import { createClientMeters, type OutcomeMeters } from '../../../serving/client-meters.ts';

/** The counters of one resource in one thread, looked up once; mirrors have their own. */
export type RouteMeters = OutcomeMeters & { close(): void };

export function createRouteMeters(meter: Meter, key: ResourceKey): RouteMeters {
  const scope = meter.scope();
  const meters = createClientMeters(scope, resourceLabel(key), {
    connectionsTotal: 'headgate_mirror_route_connections_total',
    connections: 'headgate_mirror_route_connections',
    requests: 'headgate_mirror_route_requests_total',
    requestSeconds: 'headgate_mirror_route_request_duration_seconds',
    tunnelSeconds: 'headgate_mirror_route_upgrade_duration_seconds',
    tunnelsEnded: 'headgate_mirror_route_upgrades_ended_total',
    bytes: 'headgate_mirror_route_bytes_total',
    denied: 'headgate_mirror_route_denied_total',
    upstreamErrors: 'headgate_mirror_route_upstream_errors_total',
  });
  return { ...meters, close: scope.close };
}
