import type { Connection } from '../../../serving/connection.ts';
import type { TunnelRequest } from '../../../serving/tunnel-request.ts';
import { chooseRoute, type RouteRequest, refuseEarly } from '../route.ts';
import { findRoute } from './find-route.ts';
import type { ForwardProxyServing } from './forward-proxy-serving.ts';

/** Where a tunnel goes, decided when it opens, and judged again when the policy changes. */
export function tunnelRoute(
  proxy: ForwardProxyServing,
  connection: Connection,
  { target, tunnel }: Pick<RouteRequest, 'target' | 'tunnel'>,
): Pick<TunnelRequest, 'target' | 'tls' | 'findRoute' | 'wouldBeRefused' | 'rule'> {
  const request = { client: connection.client, target, tunnel };
  return {
    target,
    tls: null,
    rule: 'default',
    findRoute: (done) => findRoute(proxy, request, done),
    wouldBeRefused(addresses) {
      const { policy, context } = proxy;
      if (!proxy.clientAllowed(connection) || refuseEarly(policy, request) !== null) return true;
      if (addresses === null) return false;
      const route = chooseRoute(policy, request, addresses, context.isSelf);
      return route.via === 'refused' || route.addresses.length < addresses.length;
    },
  };
}
