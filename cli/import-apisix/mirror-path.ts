import { encodePath } from './paths.ts';
import type { ProxyMirror } from './proxy-mirror.ts';
import type { RewrittenPath } from './proxy-rewrite.ts';
import type { WrittenMirrorPath, WrittenPath } from './written.ts';

type Circumstances = {
  readonly mirrored: ProxyMirror['path'];
  /** What the backend gets in place of the path of the request; `null`: that path. */
  readonly rewritten: RewrittenPath | null;
  /** proxy-mirror comes first unless `_meta.priority` says otherwise, and then knows nothing of it. */
  readonly rewrittenFirst: boolean;
  /** What the rule is for. */
  readonly paths: readonly WrittenPath[];
};

/**
 * The path of copies, made of the one that backends get, which APISIX does not do: there it is made
 * of that of the request. `null`: it needs no change.
 */
export function mirrorPath(
  circumstances: Circumstances,
): WrittenMirrorPath | null | { readonly problem: string } {
  const { mirrored, rewritten, rewrittenFirst, paths } = circumstances;
  if (mirrored?.mode === 'replace') {
    return { type: 'ReplaceFullPath', value: encodePath(mirrored.value) };
  }
  const prefix = mirrored === null ? '' : encodePath(mirrored.value);
  if (rewritten === null || rewrittenFirst) {
    return prefix === '' ? null : { type: 'AddPrefix', value: prefix };
  }

  const [only, ...others] = paths;
  const isExact = only?.type === 'Exact' && others.length === 0;
  if (isExact) return { type: 'ReplaceFullPath', value: prefix + only.value };
  const isPrefix = only?.type === 'PathPrefix' && others.every(({ value }) => value === only.value);
  if (isPrefix && rewritten.type === 'ReplacePrefixMatch') {
    const whole = prefix + (only.value === '/' ? '' : only.value);
    return { type: 'ReplacePrefixMatch', value: whole === '' ? '/' : whole };
  }
  return {
    problem:
      'copies have the path that came, not the one that proxy-rewrite makes, and a MirrorRoute cannot restore it here: write a path for proxy-mirror, or give it a lower _meta.priority than proxy-rewrite if copies shall have the new path',
  };
}
