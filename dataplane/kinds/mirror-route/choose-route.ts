import type { RawFields } from '../../protocols/http-fields.ts';
import {
  fieldsFor,
  parseRequestTarget,
  type RequestTarget,
} from '../../protocols/request-target.ts';
import { type Hostnames, hostOf, nameRank } from './hostnames.ts';
import { findRule, type RouteTable } from './route-table.ts';

/** What decides where the requests of a route go, compiled once per version. Immutable. */
export type Routing = { readonly hostnames: Hostnames; readonly table: RouteTable };

type Route = { readonly routing: Routing };
type Request = {
  readonly rawHeaders: RawFields;
  readonly url?: string | undefined;
  readonly method?: string | undefined;
};

/**
 * Which of the routes that share a listener, the oldest first, a request is for: of those whose
 * hostnames name its host most closely the first that has a rule for it. If none has, or nobody can
 * tell, it is for the first to refuse. `null`: there are no routes.
 */
export function chooseRoute<Each extends Route>(
  routes: readonly Each[],
  { rawHeaders, url = '', method = 'GET' }: Request,
): Each | null {
  const [oldest = null] = routes;
  const target = parseRequestTarget(url, rawHeaders);
  if ('problem' in target) return oldest;
  const meant = meantBy(target, routes);
  const [first = oldest] = meant;
  if (meant.length < 2) return first;
  const { path, query } = target;
  const request = { method, path, query, fields: fieldsFor(target, rawHeaders) };
  return meant.find(({ routing }) => findRule(routing.table, request) !== null) ?? first;
}

/** Those whose hostnames have the highest rank. */
function meantBy<Each extends Route>(
  { host }: RequestTarget,
  routes: readonly Each[],
): readonly Each[] {
  const name = hostOf(host);
  let highest = 0;
  let meant: Each[] = [];
  for (const route of routes) {
    const rank = nameRank(route.routing.hostnames, name) ?? -1;
    if (rank < highest) continue;
    if (rank > highest) meant = [];
    highest = rank;
    meant.push(route);
  }
  return meant;
}
