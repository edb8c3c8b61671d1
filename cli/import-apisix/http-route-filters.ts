import { referenceFields, referredService } from './backend-ref.ts';
import type { Found } from './found.ts';
import type { Gathered } from './gathered.ts';
import { encodePath } from './paths.ts';
import { type Plugin, readPluginList } from './plugins.ts';
import type { ProxyMirror } from './proxy-mirror.ts';
import { noRewrite, type Rewrite, type RewrittenPath } from './proxy-rewrite.ts';
import { isAbsent, type Reader } from './reader.ts';
import { lowestTerms } from './sample-ratio.ts';
import type { ResourceName } from './sort-kubernetes-object.ts';
import type { Fraction, WrittenField, WrittenHeaderChange } from './written.ts';

/** What filters of a rule come to, one after the other. */
export type FilterParts = {
  readonly plugins: readonly Plugin[];
  /** `null`: no filter changes requests. */
  readonly rewrite: Rewrite | null;
  readonly responseHeaders: WrittenHeaderChange | null;
  readonly mirror: ProxyMirror | null;
};

export const noFilters: FilterParts = {
  plugins: [],
  rewrite: null,
  responseHeaders: null,
  mirror: null,
};

export function addFilter(
  read: Reader,
  gathered: Gathered,
  source: ResourceName,
  parts: FilterParts,
  filter: Found,
): FilterParts {
  const { plugins, rewrite } = parts;
  const type = read.text(filter.at('type')) ?? '';
  switch (type) {
    case 'ExtensionRef': {
      const added = referredPlugins(read, gathered, filter.at('extensionRef'), source);
      return { ...parts, plugins: [...plugins, ...added] };
    }
    case 'RequestHeaderModifier': {
      const headers = readHeaderChange(read, filter.at('requestHeaderModifier'));
      return { ...parts, rewrite: { ...(rewrite ?? noRewrite), headers } };
    }
    case 'ResponseHeaderModifier': {
      const responseHeaders = readHeaderChange(read, filter.at('responseHeaderModifier'));
      return { ...parts, responseHeaders };
    }
    case 'URLRewrite': {
      const changed = readUrlRewrite(read, filter.at('urlRewrite'));
      return { ...parts, rewrite: { ...(rewrite ?? noRewrite), ...changed } };
    }
    case 'RequestMirror':
      return { ...parts, mirror: readRequestMirror(read, gathered, filter, source) };
    default:
      read.refuse(filter, `filter "${type}" cannot be carried over`);
      return parts;
  }
}

function referredPlugins(
  read: Reader,
  { resources }: Gathered,
  reference: Found,
  { namespace }: ResourceName,
): readonly Plugin[] {
  const { value: kind } = reference.at('kind');
  if (kind !== 'PluginConfig') {
    read.refuse(reference, `a filter of kind "${String(kind)}" cannot be carried over`);
    return [];
  }
  const key = `PluginConfig/${namespace}/${read.text(reference.at('name')) ?? ''}`;
  const config = resources.get(key);
  if (config !== undefined) return readPluginList(read, config.at('spec').at('plugins'));
  read.refuse(reference, `there is no ${key} in the given files`);
  return [];
}

function readHeaderChange(read: Reader, change: Found): WrittenHeaderChange {
  read.onlyKnown(change, ['set', 'add', 'remove']);
  const fields = (name: string): readonly WrittenField[] =>
    read.items(change.at(name)).map((field) => ({
      name: read.text(field.at('name')) ?? '',
      value: read.text(field.at('value')) ?? '',
    }));
  return { set: fields('set'), add: fields('add'), remove: read.texts(change.at('remove')) };
}

function readUrlRewrite(read: Reader, urlRewrite: Found): Pick<Rewrite, 'hostname' | 'path'> {
  read.onlyKnown(urlRewrite, ['hostname', 'path']);
  return { hostname: read.text(urlRewrite.at('hostname')), path: readPath(read, urlRewrite) };
}

function readPath(read: Reader, urlRewrite: Found): RewrittenPath | null {
  const path = urlRewrite.at('path');
  const full = read.text(path.at('replaceFullPath'));
  const prefix = read.text(path.at('replacePrefixMatch'));
  if (full !== null) return { type: 'ReplaceFullPath', value: encodePath(full) };
  // An empty one leaves nothing of the prefix, as "/" does.
  return prefix === null ? null : { type: 'ReplacePrefixMatch', value: encodePath(prefix) || '/' };
}

function readRequestMirror(
  read: Reader,
  gathered: Gathered,
  filter: Found,
  source: ResourceName,
): ProxyMirror | null {
  const mirror = filter.at('requestMirror');
  read.onlyKnown(mirror, ['backendRef', 'percent', 'fraction']);
  read.onlyKnown(mirror.at('backendRef'), referenceFields);
  const target = referredService(read, gathered, mirror.at('backendRef'), source);
  const fraction = readShare(read, mirror);
  return target === null ? null : { where: filter, target, path: null, fraction };
}

function readShare(read: Reader, mirror: Found): Fraction | null {
  const fraction = mirror.at('fraction');
  const [numerator, denominator] = isAbsent(fraction)
    ? [read.number(mirror.at('percent')), 100]
    : [read.number(fraction.at('numerator')), read.number(fraction.at('denominator')) ?? 100];
  if (numerator === null) return null;
  read.note(mirror, 'copies are made of this share of requests, where APISIX makes them of all');
  return lowestTerms(numerator, denominator);
}
