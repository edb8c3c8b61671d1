import { referenceFields, referredService } from './backend-ref.ts';
import type { Found } from './found.ts';
import type { Gathered } from './gathered.ts';
import { readHosts } from './hosts.ts';
import { addFilter, type FilterParts, noFilters } from './http-route-filters.ts';
import { readHttpMatches } from './http-route-matches.ts';
import type { RouteParts } from './imported-rule.ts';
import { readWeight } from './plain-upstream.ts';
import { pluginNamed } from './plugins.ts';
import { isAbsent, type Reader } from './reader.ts';
import { readRoutePlugins } from './route-plugins.ts';
import type { ResourceName } from './sort-kubernetes-object.ts';
import { defaultIdleMs, ruleTimeouts } from './upstream.ts';
import { shareOut } from './weights.ts';
import type { WrittenBackend } from './written.ts';

/** What a rule of an HTTPRoute comes to, with the PluginConfigs that its filters name. */
export function readHttpRule(
  read: Reader,
  gathered: Gathered,
  { rule, hostnames }: { readonly rule: Found; readonly hostnames: Found },
  source: ResourceName,
): RouteParts {
  read.onlyKnown(rule, ['name', 'matches', 'filters', 'backendRefs', 'timeouts']);
  const matches = readHttpMatches(read, rule.at('matches'));
  refuseRepeated(read, rule.at('filters'));
  const filters = read
    .items(rule.at('filters'))
    .reduce<FilterParts>(
      (parts, filter) => addFilter(read, gathered, source, parts, filter),
      noFilters,
    );
  const plugins = readRoutePlugins(
    read,
    filters.plugins,
    matches.map(({ written }) => written.path),
  );
  if (pluginNamed(filters.plugins, 'proxy-rewrite') !== null && filters.rewrite !== null) {
    read.refuse(rule.at('filters'), 'both a filter and proxy-rewrite change requests: write one');
  }
  if (plugins.mirror !== null && filters.mirror !== null) {
    read.refuse(rule.at('filters'), 'both a filter and proxy-mirror make copies: write one');
  }

  return {
    where: rule,
    source,
    name: read.text(rule.at('name')),
    hosts: readHosts(read, hostnames),
    priority: 0,
    matches,
    rewrite: filters.rewrite ?? plugins.rewrite,
    rewrittenFirst: plugins.rewrittenFirst,
    responseHeaders: filters.responseHeaders,
    backendRefs: backendsOf(read, gathered, rule, source),
    timeouts: timeoutsOf(read, rule.at('timeouts')),
    connectMs: null,
    idleMs: defaultIdleMs,
    mirror: plugins.mirror ?? filters.mirror,
  };
}

/** What a rule is made of has each of them once. */
function refuseRepeated(read: Reader, filters: Found): void {
  const seen = new Set<string>();
  for (const filter of read.items(filters)) {
    const type = read.text(filter.at('type')) ?? '';
    if (seen.has(type) && type !== 'ExtensionRef') {
      read.refuse(filter, `a second ${type} cannot be carried over: write one`);
    }
    seen.add(type);
  }
}

function timeoutsOf(read: Reader, timeouts: Found): RouteParts['timeouts'] {
  if (isAbsent(timeouts)) return ruleTimeouts(null).timeouts;
  read.onlyKnown(timeouts, ['request', 'backendRequest']);
  const request = read.text(timeouts.at('request'));
  const backendRequest = read.text(timeouts.at('backendRequest'));
  return {
    ...(request === null ? {} : { request }),
    ...(backendRequest === null ? {} : { backendRequest }),
  };
}

function backendsOf(
  read: Reader,
  gathered: Gathered,
  rule: Found,
  source: ResourceName,
): readonly WrittenBackend[] {
  const references = read.items(rule.at('backendRefs'));
  if (references.length === 0) read.refuse(rule, 'has no backendRefs');
  const nodes = references.flatMap((reference) => {
    read.onlyKnown(reference, [...referenceFields, 'weight']);
    const target = referredService(read, gathered, reference, source);
    const weight = readWeight(read, reference.at('weight')) ?? 1;
    return target === null ? [] : [{ target, weight }];
  });
  return shareOut([{ weight: 1, nodes }]) ?? [];
}
