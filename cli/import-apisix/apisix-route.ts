import { isDeepStrictEqual } from 'node:util';
import { defaultWeight, readExternalUpstream, readUpstreamSettings } from './apisix-upstream.ts';
import { readConditions, readExprs } from './conditions.ts';
import type { Found } from './found.ts';
import type { Gathered } from './gathered.ts';
import { readHosts } from './hosts.ts';
import type { RouteParts } from './imported-rule.ts';
import { combine, narrowPaths, readMethods, readPaths } from './matches.ts';
import { readWeight } from './plain-upstream.ts';
import { type Plugin, readPluginList } from './plugins.ts';
import { isAbsent, type Reader } from './reader.ts';
import { readRoutePlugins } from './route-plugins.ts';
import { serviceBackend } from './service-backend.ts';
import type { ResourceName } from './sort-kubernetes-object.ts';
import { onTerms, readSpoken, readTimeouts, ruleTimeouts, type Upstream } from './upstream.ts';
import { plainHttp } from './urls.ts';
import { shareOut } from './weights.ts';

const knownOfRule = [
  ...['name', 'priority', 'timeout', 'match', 'backends', 'upstreams', 'plugins'],
  ...['plugin_config_name', 'plugin_config_namespace', 'authentication'],
  // A MirrorRoute lets protocols be switched anyway.
  'websocket',
];

/** What one of `spec.http` of an ApisixRoute comes to. */
export function readApisixRule(
  read: Reader,
  gathered: Gathered,
  rule: Found,
  source: ResourceName,
): RouteParts {
  read.onlyKnown(rule, knownOfRule);
  const match = rule.at('match');
  read.onlyKnown(match, ['paths', 'methods', 'hosts', 'exprs']);
  const authentication = rule.at('authentication');
  if (read.flag(authentication.at('enable')) === true) {
    read.refuse(
      authentication,
      'a MirrorRoute asks nobody for a password: let the backend do that',
    );
  }

  const written = read.items(match.at('paths'));
  if (written.length === 0) read.refuse(match, 'has no paths');
  const conditions = readConditions(read, readExprs(read, match.at('exprs')));
  const paths = narrowPaths(read, match.at('exprs'), readPaths(read, written), conditions.path);
  const groups = groupsOf(read, gathered, rule, source);
  const plugins = pluginsOf(read, gathered, rule, source);
  const parts = readRoutePlugins(
    read,
    plugins,
    paths.map(({ path }) => path),
  );
  const hostname = parts.rewrite.hostname ?? commonHostname(read, rule, groups);
  const timeouts = readTimeouts(read, rule.at('timeout')) ?? commonTimeouts(read, rule, groups);

  return {
    ...parts,
    where: rule,
    source,
    name: read.text(rule.at('name')),
    hosts: readHosts(read, match.at('hosts')),
    priority: read.number(rule.at('priority')) ?? 0,
    matches: combine(paths, readMethods(read, match.at('methods')), conditions),
    rewrite: { ...parts.rewrite, hostname },
    responseHeaders: null,
    backendRefs: sharedOut(read, rule, groups),
    ...ruleTimeouts(timeouts),
  };
}

type Group = { readonly weight: number; readonly upstream: Upstream };

function groupsOf(
  read: Reader,
  gathered: Gathered,
  rule: Found,
  source: ResourceName,
): readonly Group[] {
  const groups = [
    ...read.items(rule.at('backends')).map((backend) => ({
      weight: readWeight(read, backend.at('weight')) ?? defaultWeight,
      upstream: serviceUpstream(read, gathered, backend, source),
    })),
    ...read.items(rule.at('upstreams')).map((reference) => ({
      weight: readWeight(read, reference.at('weight')) ?? defaultWeight,
      upstream: externalUpstream(read, gathered, reference, source),
    })),
  ];
  if (groups.length === 0) read.refuse(rule, 'has neither backends nor upstreams');
  return groups;
}

function sharedOut(read: Reader, where: Found, groups: readonly Group[]) {
  const shares = shareOut(groups.map(({ weight, upstream: { nodes } }) => ({ weight, nodes })));
  if (shares === null) read.refuse(where, 'the weights are too fine: use round numbers');
  return shares ?? [];
}

function serviceUpstream(
  read: Reader,
  gathered: Gathered,
  backend: Found,
  { namespace }: ResourceName,
): Upstream {
  const known = ['serviceName', 'servicePort', 'resolveGranularity', 'weight'];
  read.onlyKnown(backend, known);
  const name = read.text(backend.at('serviceName')) ?? '';
  // The controller takes how to speak to a Service from an ApisixUpstream of the same name.
  const upstream = gathered.resources.get(`ApisixUpstream/${namespace}/${name}`);
  const spoken =
    upstream === undefined ? plainHttp : readSpoken(read, upstream.at('spec').at('scheme'));
  const { terms, ...settings } =
    upstream === undefined ? plainly : readUpstreamSettings(read, upstream, [], spoken);
  const target = serviceBackend(read, gathered, {
    service: { namespace, name },
    port: backend.at('servicePort'),
    from: namespace,
    asWhole: read.text(backend.at('resolveGranularity')) === 'service',
    scheme: spoken.scheme,
  });
  return {
    nodes: target === null ? [] : [{ target: onTerms(target, terms), weight: 1 }],
    ...settings,
  };
}

const plainly = {
  terms: { tls: null, protocol: plainHttp.protocol },
  hostname: null,
  timeouts: null,
};
const nowhere: Upstream = { nodes: [], hostname: null, timeouts: null };

function externalUpstream(
  read: Reader,
  gathered: Gathered,
  reference: Found,
  { namespace }: ResourceName,
): Upstream {
  read.onlyKnown(reference, ['name', 'weight']);
  const key = `ApisixUpstream/${namespace}/${read.text(reference.at('name')) ?? ''}`;
  const upstream = gathered.resources.get(key);
  if (upstream !== undefined) return readExternalUpstream(read, gathered, upstream, namespace);
  read.refuse(reference, `there is no ${key} in the given files`);
  return nowhere;
}

/** A rule has one Host for all of its backends. */
function commonHostname(read: Reader, where: Found, groups: readonly Group[]): string | null {
  const [first = null, ...others] = new Set(groups.map(({ upstream }) => upstream.hostname));
  if (others.length > 0) {
    read.refuse(where, 'its upstreams want different Hosts, and a rule has one for all of them');
  }
  return first;
}

function commonTimeouts(read: Reader, where: Found, groups: readonly Group[]) {
  const [first = null, ...others] = groups.map(({ upstream }) => upstream.timeouts);
  if (others.some((timeouts) => !isDeepStrictEqual(timeouts, first))) {
    read.refuse(where, 'its upstreams have different time-outs: write one timeout for the rule');
  }
  return first;
}

/** Those of the ApisixPluginConfig first: what the rule itself says is the last word. */
function pluginsOf(
  read: Reader,
  { resources }: Gathered,
  rule: Found,
  source: ResourceName,
): readonly Plugin[] {
  const own = readPluginList(read, rule.at('plugins'));
  const reference = rule.at('plugin_config_name');
  if (isAbsent(reference)) return own;

  const namespace = read.text(rule.at('plugin_config_namespace')) ?? source.namespace;
  const key = `ApisixPluginConfig/${namespace}/${read.text(reference) ?? ''}`;
  const config = resources.get(key);
  if (config === undefined) {
    read.refuse(reference, `there is no ${key} in the given files`);
    return own;
  }
  return [...readPluginList(read, config.at('spec').at('plugins')), ...own];
}
