import type { RuleConfig } from '../../../contracts/kinds/mirror-route/config.ts';
import type { MirrorRouteSpec } from '../../../contracts/kinds/mirror-route/spec.ts';
import type { FieldReader } from '../resolve-fields.ts';
import { parseAuthority } from './authority.ts';
import { noHeaderChange, readHeaderChange } from './header-change.ts';
import { readOrigin } from './origin.ts';
import { readPath } from './paths.ts';
import type { CheckPattern } from './patterns.ts';
import { readMatch } from './resolve-match.ts';
import { type Resource, readMirror } from './resolve-mirror.ts';

type WrittenRule = MirrorRouteSpec['rules'][number];
type WrittenFilters = NonNullable<WrittenRule['filters']>;
type WrittenRewrite = NonNullable<WrittenFilters[number]['urlRewrite']>;
type Filtered = Pick<RuleConfig, 'requestHeaders' | 'responseHeaders' | 'rewrite'>;

export function readRule(
  read: FieldReader,
  checkPattern: CheckPattern,
  rule: WrittenRule,
  { index, resource }: { readonly index: number; readonly resource: Resource },
): RuleConfig {
  const field = `spec.rules[${index}]`;
  const ms = (name: keyof typeof rule.timeouts) =>
    read.durationMs(`${field}.timeouts.${name}`, rule.timeouts[name]);
  return {
    name: rule.name ?? `rule-${index + 1}`,
    matches: rule.matches.map((match, at) =>
      readMatch(read, checkPattern, `${field}.matches[${at}]`, match),
    ),
    ...readFilters(read, `${field}.filters`, rule.filters),
    backends: rule.backendRefs.map(({ weight, ...written }, at) => {
      const reference = `${field}.backendRefs[${at}]`;
      const fields = { reference, tls: `${reference}.tls` };
      return { weight, origin: readOrigin(read, fields, written, resource.namespace) };
    }),
    timeouts: { requestMs: ms('request'), backendRequestMs: ms('backendRequest') },
    mirrors: (rule.mirrors ?? []).map((mirror, at) =>
      readMirror(read, `${field}.mirrors[${at}]`, mirror, resource),
    ),
  };
}

/** Each type of filter stands there once at most, and has only the field that is named like it. */
function readFilters(read: FieldReader, list: string, filters: WrittenFilters = []): Filtered {
  let requestHeaders = noHeaderChange;
  let responseHeaders = noHeaderChange;
  let rewrite: RuleConfig['rewrite'] = { hostname: null, path: null };
  for (const [index, filter] of filters.entries()) {
    const field = `${list}[${index}]`;
    const { requestHeaderModifier, responseHeaderModifier, urlRewrite } = filter;
    if (requestHeaderModifier !== undefined) {
      const modifier = `${field}.requestHeaderModifier`;
      requestHeaders = readHeaderChange(read, modifier, requestHeaderModifier);
    }
    if (responseHeaderModifier !== undefined) {
      const modifier = `${field}.responseHeaderModifier`;
      responseHeaders = readHeaderChange(read, modifier, responseHeaderModifier);
    }
    if (urlRewrite !== undefined) rewrite = readRewrite(read, `${field}.urlRewrite`, urlRewrite);
  }
  return { requestHeaders, responseHeaders, rewrite };
}

function readRewrite(
  read: FieldReader,
  field: string,
  { hostname, path }: WrittenRewrite,
): RuleConfig['rewrite'] {
  return {
    hostname: hostname === undefined ? null : readHostname(read, `${field}.hostname`, hostname),
    path: path === undefined ? null : readPathChange(read, `${field}.path`, path),
  };
}

function readHostname(read: FieldReader, field: string, hostname: string): string {
  const authority = parseAuthority(hostname);
  if (!('problem' in authority)) return authority.host;
  read.refuse(field, authority.problem);
  return hostname;
}

function readPathChange(
  read: FieldReader,
  field: string,
  { type, replaceFullPath = '/', replacePrefixMatch = '/' }: NonNullable<WrittenRewrite['path']>,
): RuleConfig['rewrite']['path'] {
  switch (type) {
    case 'ReplaceFullPath':
      return { type, value: readPath(read, `${field}.replaceFullPath`, replaceFullPath) };
    case 'ReplacePrefixMatch':
      return { type, value: readPath(read, `${field}.replacePrefixMatch`, replacePrefixMatch) };
  }
}
