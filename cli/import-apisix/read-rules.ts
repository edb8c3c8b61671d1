import { readApisixRule } from './apisix-route.ts';
import type { Found } from './found.ts';
import type { Gathered } from './gathered.ts';
import { readHttpRule } from './http-route.ts';
import { type ImportedRule, type RouteParts, toRule } from './imported-rule.ts';
import { readMirrorTimeouts } from './mirror-timeouts.ts';
import { readPlainRoute } from './plain-route.ts';
import { isAbsent, type Reader } from './reader.ts';
import { identityOf } from './sort-kubernetes-object.ts';

/** Reads one route; what it refuses is refused for that route alone. */
type ReadRoute = (read: Reader) => RouteParts;

/** Every route that can be carried over, mirrored or not: what shares a port has to stay together. */
export function readRules(
  read: Reader,
  gathered: Gathered,
  defaultNamespace: string,
): readonly ImportedRule[] {
  const { mirrorTimeout } = gathered;
  const timeouts = mirrorTimeout === null ? null : readMirrorTimeouts(read, mirrorTimeout);
  return routesIn(read, gathered, defaultNamespace).flatMap((readRoute) => {
    const readPart = read.forPart();
    const rule = toRule(readPart, readRoute(readPart), timeouts);
    return readPart.refused ? [] : [rule];
  });
}

function routesIn(
  read: Reader,
  gathered: Gathered,
  defaultNamespace: string,
): readonly ReadRoute[] {
  return [
    ...gathered.apisixRoutes.flatMap((route) => rulesOf(read, gathered, route, defaultNamespace)),
    ...gathered.httpRoutes.flatMap((route) => httpRulesOf(read, gathered, route, defaultNamespace)),
    ...gathered.plainRoutes.flatMap((plain): ReadRoute[] => {
      const status = plain.route.at('status');
      if (status.value !== 0) {
        return [(readPart) => readPlainRoute(readPart, gathered, plain, defaultNamespace)];
      }
      read.note(status, 'this route is switched off: it is left out');
      return [];
    }),
  ];
}

function rulesOf(
  read: Reader,
  gathered: Gathered,
  route: Found,
  defaultNamespace: string,
): readonly ReadRoute[] {
  const spec = route.at('spec');
  read.onlyKnown(spec, ['ingressClassName', 'http', 'stream']);
  if (read.items(spec.at('stream')).length > 0) {
    read.refuse(spec.at('stream'), 'a MirrorRoute serves HTTP, and no other streams');
  }
  const source = identityOf(route, defaultNamespace);
  return read
    .items(spec.at('http'))
    .map((rule) => (readPart) => readApisixRule(readPart, gathered, rule, source));
}

function httpRulesOf(
  read: Reader,
  gathered: Gathered,
  route: Found,
  defaultNamespace: string,
): readonly ReadRoute[] {
  const spec = route.at('spec');
  read.onlyKnown(spec, ['parentRefs', 'hostnames', 'rules']);
  if (!isAbsent(spec.at('parentRefs'))) {
    const message = 'parentRefs are left out: the MirrorRoute has a listener of its own';
    read.note(spec.at('parentRefs'), message);
  }
  const source = identityOf(route, defaultNamespace);
  const hostnames = spec.at('hostnames');
  return read
    .items(spec.at('rules'))
    .map((rule) => (readPart) => readHttpRule(readPart, gathered, { rule, hostnames }, source));
}
