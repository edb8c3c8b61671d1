import type { Found } from './found.ts';
import type { RankedMatch } from './matches.ts';
import { mirrorPath } from './mirror-path.ts';
import type { ProxyMirror } from './proxy-mirror.ts';
import type { Rewrite } from './proxy-rewrite.ts';
import type { Reader } from './reader.ts';
import type { ResourceName } from './sort-kubernetes-object.ts';
import type {
  MirrorTimeouts,
  WrittenBackend,
  WrittenFilter,
  WrittenHeaderChange,
  WrittenMirror,
  WrittenRule,
} from './written.ts';

/** What a route of any form comes to. */
export type RouteParts = {
  readonly where: Found;
  /** What the route belongs to. */
  readonly source: ResourceName;
  /** Of the route, if it is one of several of its source. */
  readonly name: string | null;
  /** Empty: any. */
  readonly hosts: readonly string[];
  readonly priority: number;
  readonly matches: readonly RankedMatch[];
  readonly rewrite: Rewrite;
  /** Whether copies are made of what was rewritten. */
  readonly rewrittenFirst: boolean;
  readonly responseHeaders: WrittenHeaderChange | null;
  readonly backendRefs: readonly WrittenBackend[];
  readonly timeouts: NonNullable<WrittenRule['timeouts']>;
  /** `null`: APISIX's default. */
  readonly connectMs: number | null;
  /** Between two pieces of a body. */
  readonly idleMs: number;
  readonly mirror: ProxyMirror | null;
};

/** A route as it becomes a rule, before it has found its place among others. */
export type ImportedRule = Omit<RouteParts, 'rewrite' | 'rewrittenFirst' | 'responseHeaders'> & {
  readonly body: Omit<WrittenRule, 'name' | 'matches'>;
};

export function toRule(
  read: Reader,
  parts: RouteParts,
  mirrorTimeouts: MirrorTimeouts | null,
): ImportedRule {
  const { timeouts, backendRefs } = parts;
  const filters = filtersOf(parts);
  const mirror = mirrorOf(read, parts, mirrorTimeouts);
  return {
    ...parts,
    body: {
      ...(filters.length === 0 ? {} : { filters }),
      backendRefs,
      timeouts,
      ...(mirror === null ? {} : { mirrors: [mirror] }),
    },
  };
}

function filtersOf({ rewrite, responseHeaders }: RouteParts): readonly WrittenFilter[] {
  const { hostname, path, headers } = rewrite;
  const filters: WrittenFilter[] = [];
  if (headers !== null) {
    filters.push({ type: 'RequestHeaderModifier', requestHeaderModifier: withoutEmpty(headers) });
  }
  if (responseHeaders !== null) {
    const responseHeaderModifier = withoutEmpty(responseHeaders);
    filters.push({ type: 'ResponseHeaderModifier', responseHeaderModifier });
  }
  if (hostname !== null || path !== null) {
    const urlRewrite = {
      ...(hostname === null ? {} : { hostname }),
      ...(path === null ? {} : { path: writtenPath(path) }),
    };
    filters.push({ type: 'URLRewrite', urlRewrite });
  }
  return filters;
}

function writtenPath({ type, value }: NonNullable<Rewrite['path']>) {
  return type === 'ReplaceFullPath'
    ? { type, replaceFullPath: value }
    : { type, replacePrefixMatch: value };
}

function withoutEmpty({ set = [], add = [], remove = [] }: WrittenHeaderChange) {
  return {
    ...(set.length === 0 ? {} : { set }),
    ...(add.length === 0 ? {} : { add }),
    ...(remove.length === 0 ? {} : { remove }),
  };
}

function mirrorOf(
  read: Reader,
  { mirror, matches, rewrite, rewrittenFirst }: RouteParts,
  timeouts: MirrorTimeouts | null,
): WrittenMirror | null {
  if (mirror === null) return null;
  const { where, target, fraction } = mirror;
  const path = mirrorPath({
    mirrored: mirror.path,
    rewritten: rewrite.path,
    rewrittenFirst,
    paths: matches.map(({ written }) => written.path),
  });
  if (path !== null && 'problem' in path) read.refuse(where, path.problem);
  return {
    name: 'mirror',
    backendRef: target,
    ...(fraction === null ? {} : { fraction }),
    ...(path === null || 'problem' in path ? {} : { path }),
    ...(timeouts === null ? {} : { timeouts }),
  };
}
