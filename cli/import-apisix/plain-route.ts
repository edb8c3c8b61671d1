import { readConditions, readVars } from './conditions.ts';
import type { Found } from './found.ts';
import type { Gathered, PlainRoute } from './gathered.ts';
import { readHost, readHosts } from './hosts.ts';
import type { RouteParts } from './imported-rule.ts';
import { combine, narrowPaths, readMethods, readPaths } from './matches.ts';
import { readPlainUpstream } from './plain-upstream.ts';
import { type Plugin, readPluginMap } from './plugins.ts';
import { isAbsent, type Reader } from './reader.ts';
import { readRoutePlugins } from './route-plugins.ts';
import { readTimeouts, ruleTimeouts, type Upstream } from './upstream.ts';
import { shareOut } from './weights.ts';

const descriptive = [
  ...['id', 'name', 'desc', 'description', 'labels', 'create_time', 'update_time', 'status'],
  // A MirrorRoute lets protocols be switched anyway.
  'enable_websocket',
];
const knownOfRoute = [
  ...['uri', 'uris', 'host', 'hosts', 'methods', 'vars', 'priority', 'timeout', 'plugins'],
  ...['plugin_config_id', 'service_id', 'upstream', 'upstream_id'],
  ...descriptive,
];
const knownOfService = [
  ...['hosts', 'plugins', 'routes', 'upstream', 'upstream_id'],
  ...descriptive,
];

/** What a route of the Admin API, of apisix.yaml or of adc.yaml comes to. */
export function readPlainRoute(
  read: Reader,
  gathered: Gathered,
  { route, service: around }: PlainRoute,
  namespace: string,
): RouteParts {
  read.onlyKnown(route, knownOfRoute);
  const service = around ?? referredTo(read, gathered, route, 'service_id');
  if (service !== null) read.onlyKnown(service, knownOfService);

  const uris = isAbsent(route.at('uri')) ? read.items(route.at('uris')) : [route.at('uri')];
  if (uris.length === 0) read.refuse(route, 'has neither uri nor uris');
  const conditions = readConditions(read, readVars(read, route.at('vars')));
  const paths = narrowPaths(read, route.at('vars'), readPaths(read, uris), conditions.path);
  const upstream = upstreamOf(read, gathered, route, service);
  const plugins = pluginsOf(read, gathered, route, service);
  const parts = readRoutePlugins(
    read,
    plugins,
    paths.map(({ path }) => path),
  );

  return {
    ...parts,
    where: route,
    source: { namespace, name: nameOf(read, route) },
    name: null,
    hosts: hostsOf(read, route, service),
    priority: read.number(route.at('priority')) ?? 0,
    matches: combine(paths, readMethods(read, route.at('methods')), conditions),
    rewrite: { ...parts.rewrite, hostname: parts.rewrite.hostname ?? upstream.hostname },
    responseHeaders: null,
    backendRefs: shareOut([{ weight: 1, nodes: upstream.nodes }]) ?? [],
    ...ruleTimeouts(readTimeouts(read, route.at('timeout')) ?? upstream.timeouts),
  };
}

function nameOf(read: Reader, route: Found): string {
  return read.label(route.at('name')) ?? read.label(route.at('id')) ?? 'route';
}

function hostsOf(read: Reader, route: Found, service: Found | null): readonly string[] {
  const host = route.at('host');
  if (!isAbsent(host)) return readHost(read, host);
  const own = readHosts(read, route.at('hosts'));
  return own.length > 0 || service === null ? own : readHosts(read, service.at('hosts'));
}

/** Those of the service, then of the plugin config, then of the route, which is the last word. */
function pluginsOf(
  read: Reader,
  gathered: Gathered,
  route: Found,
  service: Found | null,
): readonly Plugin[] {
  const config = referredTo(read, gathered, route, 'plugin_config_id');
  return [service, config, route].flatMap((holder) =>
    holder === null ? [] : readPluginMap(read, holder.at('plugins')),
  );
}

function upstreamOf(
  read: Reader,
  gathered: Gathered,
  route: Found,
  service: Found | null,
): Upstream {
  for (const holder of service === null ? [route] : [route, service]) {
    const within = holder.at('upstream');
    if (!isAbsent(within)) return readPlainUpstream(read, within);
    const referred = referredTo(read, gathered, holder, 'upstream_id');
    if (referred !== null) return readPlainUpstream(read, referred);
    if (!isAbsent(holder.at('upstream_id'))) return nowhere;
  }
  read.refuse(route, 'has no upstream, so that requests go nowhere');
  return nowhere;
}

const nowhere: Upstream = { nodes: [], hostname: null, timeouts: null };

const collections = {
  upstream_id: 'upstreams',
  service_id: 'services',
  plugin_config_id: 'plugin_configs',
} as const;

/** What an id stands for; `null`: there is no id, or nothing with it, which was refused. */
function referredTo(
  read: Reader,
  { resources }: Gathered,
  holder: Found,
  field: keyof typeof collections,
): Found | null {
  const id = read.label(holder.at(field));
  if (id === null) return null;
  const key = `${collections[field]}/${id}`;
  const found = resources.get(key) ?? null;
  if (found === null) read.refuse(holder.at(field), `there is no ${key} in the given files`);
  return found;
}
