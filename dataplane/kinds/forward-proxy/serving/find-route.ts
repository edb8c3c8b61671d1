import type { Ip } from '../../../protocols/ip-address.ts';
import { chooseRoute, type Route, type RouteRequest, refuseEarly } from '../route.ts';
import type { ForwardProxyServing } from './forward-proxy-serving.ts';

/**
 * Decides a request: rules that need no address, one look-up, then rules and address policy for
 * every address. What comes back may be dialled without asking again. Calls back at once for
 * addresses and known names.
 */
export function findRoute(
  proxy: ForwardProxyServing,
  request: RouteRequest,
  done: (route: Route) => void,
): void {
  const { policy, context } = proxy;
  const early = refuseEarly(policy, request);
  if (early !== null) return done(early);

  const { target } = request;
  if (target.ip !== null) return done(chooseRoute(policy, request, [target.ip], context.isSelf));

  const { timeoutMs, family } = policy.config.dns;
  context.resolver.resolve(
    target.host,
    { family, timeoutMs },
    (failure, addresses: readonly Ip[]) => {
      if (failure !== null) {
        const what = failure === 'dns_timeout' ? 'no answer from DNS' : 'no such name in DNS';
        return done({
          via: 'refused',
          code: failure,
          rule: 'default',
          message: `${what}: ${target.host}`,
        });
      }
      // A look-up takes a while: the policy of now decides, not that of the beginning.
      const now = proxy.policy;
      const refused = now === policy ? null : refuseEarly(now, request);
      done(refused ?? chooseRoute(now, request, addresses, context.isSelf));
    },
  );
}
