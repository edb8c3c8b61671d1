import type { MirrorConfig } from '../../../contracts/kinds/mirror-route/config.ts';
import { endToEndFields, type RawFields } from '../../protocols/http-fields.ts';
import { changeFields } from './change-fields.ts';
import { mirrorHost } from './mirror-host.ts';
import { rewritePath } from './rewrite-path.ts';

/** A request as the primary leg sends it: after the rule's rewrite and changes, without fields of a hop. */
export type PrimaryHead = {
  readonly method: string;
  readonly pathAndQuery: string;
  readonly host: string;
  readonly fields: RawFields;
};

export type CopyHead = {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly fields: string[];
};

/**
 * Left out of every copy, whoever wrote them: the sender frames the body anew, waits for no 100, and
 * the Host is for `hostname` to say.
 */
const neverCopied: ReadonlySet<string> = new Set([
  'host',
  'expect',
  'content-length',
  'transfer-encoding',
]);

/** A copy without a body says nothing about one either. */
const neverCopiedWithoutBody: ReadonlySet<string> = new Set([
  ...neverCopied,
  'content-type',
  'content-encoding',
]);

/**
 * The head of a copy; what the primary leg sends is not touched. `matchedPrefix` is that of
 * `prefixAfter`, since the path is the rewritten one. The mark is added last and beside those of
 * others: one that replaced theirs would let two routes that mirror to each other go on for ever.
 */
export function copyHead(
  mirror: MirrorConfig,
  { method, pathAndQuery, host, fields }: PrimaryHead,
  matchedPrefix: string,
): CopyHead {
  const { path, requestHeaders, body, mark } = mirror;
  const leftOut = body.mode === 'Omit' ? neverCopiedWithoutBody : neverCopied;
  const changed = changeFields(fields, requestHeaders);
  const copied = ['Host', mirrorHost(mirror, host), ...endToEndFields(changed, leftOut)];
  if (mark !== null) copied.push(mark.name, mark.value);
  return { method, path: rewritePath(pathAndQuery, path, matchedPrefix), fields: copied };
}
