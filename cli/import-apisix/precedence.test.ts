import test from 'ava';
import { compileHostnames, hostnameRank } from '../../dataplane/kinds/mirror-route/hostnames.ts';
import { compileRouteTable, findRule } from '../../dataplane/kinds/mirror-route/route-table.ts';
import { resolveMirrorRoute } from '../../operator/kinds/mirror-route/resolve-config.ts';
import { createValidator } from '../../operator/schema/validator.ts';
import { imported } from '../../test/support/imported.ts';
import { createRandom, type Random } from '../../test/support/random.ts';

/** Routes of which APISIX's choice can be told without running it. */
type Route = {
  readonly id: string;
  readonly uri: string;
  readonly priority: number;
  readonly methods?: readonly string[];
  readonly hosts?: readonly string[];
};

type Request = { readonly host: string; readonly path: string; readonly method: string };

const uris = ['/*', '/a', '/a/*', '/a*', '/a/b', '/a/b/*', '/ab*'];
const paths = ['/', '/a/', '/ab', '/abc', '/a/b', '/a/b/c', '/a/c', '/x'];
const hosts = ['a.example', '*.example', '*.a.example', 'b.other'];
const requestHosts = ['a.example', 'x.example', 'x.a.example', 'b.other', 'else'];
const methods = ['GET', 'PUT'];

const pick = <T>(random: Random, from: readonly T[]) => from[random.below(from.length)] as T;

function randomRoutes(random: Random): readonly Route[] {
  return Array.from({ length: 2 + random.below(3) }, (_, index) => ({
    id: `route-${'abcde'[index]}`,
    uri: pick(random, uris),
    priority: random.below(2),
    ...(random.chance(0.3) ? { methods: [pick(random, methods)] } : {}),
    ...(random.chance(0.5) ? { hosts: [pick(random, hosts)] } : {}),
  }));
}

/** Those that APISIX may choose: by host, then by path, then by priority. More than one are equal. */
function choicesOfApisix(routes: readonly Route[], request: Request): readonly string[] {
  const ranked = routes.flatMap((route) => {
    const rank = rankOf(route, request);
    return rank === null ? [] : [{ id: route.id, rank }];
  });
  const [best] = ranked.toSorted((one, other) => compare(other.rank, one.rank));
  return ranked.filter(({ rank }) => best && compare(rank, best.rank) === 0).map(({ id }) => id);
}

function rankOf(route: Route, { host, path, method }: Request): readonly number[] | null {
  if (route.methods !== undefined && !route.methods.includes(method)) return null;
  const text = route.uri.replace(/\*$/, '');
  const isPrefix = text !== route.uri;
  if (isPrefix ? !path.startsWith(text) : path !== text) return null;
  const [pattern] = route.hosts ?? [];
  const isNamed = pattern === undefined || pattern === host || isBelow(host, pattern);
  if (!isNamed) return null;
  const hostRank = pattern === undefined ? 0 : pattern === host ? 1000 : pattern.length;
  return [hostRank, isPrefix ? text.length : 1000, route.priority];
}

const isBelow = (host: string, pattern: string) =>
  pattern.startsWith('*') && host.endsWith(pattern.slice(1));

function compare(one: readonly number[], other: readonly number[]): number {
  return one.map((value, index) => value - (other[index] ?? 0)).find((lead) => lead !== 0) ?? 0;
}

const validator = createValidator();

/** Which route a pod would take for a request, as printed; `undefined`: routes were refused. */
function importedRoutes(routes: readonly Route[]): ((request: Request) => string | null) | null {
  const plugins = { 'proxy-mirror': { host: 'http://mirror.example' } };
  const upstream = { nodes: { 'shop.example': 1 } };
  const written = routes.map((route) => ({ ...route, plugins, upstream }));
  const { routes: printed, refused } = imported(JSON.stringify(written));
  if (refused.length > 0) return null;

  const checked = validator.validate(printed[0]);
  if (!checked.ok || !('rules' in checked.spec)) throw new Error('no valid MirrorRoute');
  const resolved = resolveMirrorRoute(checked.spec, checked.key);
  if ('problem' in resolved) throw new Error(resolved.problem.message);
  const table = compileRouteTable(resolved.config);
  const hostnames = compileHostnames(resolved.config.hostnames);
  return ({ host, path, method }) => {
    if (hostnameRank(hostnames, host) === null) return null;
    const found = findRule(table, { method, path, query: null, fields: ['Host', host] });
    return found?.rule.config.name ?? null;
  };
}

const requests = requestHosts.flatMap((host) =>
  paths.flatMap((path) => methods.map((method) => ({ host, path, method }))),
);

test('what is not refused goes where APISIX sends it', (t) => {
  const random = createRandom(1);
  let carriedOver = 0;
  for (let round = 0; round < 300; round += 1) {
    const routes = randomRoutes(random);
    const take = importedRoutes(routes);
    if (take === null) continue;
    carriedOver += 1;
    for (const request of requests) {
      // It is told that a prefix is for its last segment alone, too.
      if (routes.some(({ uri }) => uri === `${request.path}/*`)) continue;
      const choices = choicesOfApisix(routes, request);
      const taken = take(request);
      const isSame = taken === null ? choices.length === 0 : choices.includes(taken);
      if (!isSame) t.fail(JSON.stringify({ routes, request, choices, taken }));
    }
  }

  t.true(carriedOver > 100, `${carriedOver} of 300 were carried over`);
});
