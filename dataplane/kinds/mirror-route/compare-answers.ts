import type { CompareConfig } from '../../../contracts/kinds/mirror-route/config.ts';
import { endToEndFields, type RawFields } from '../../protocols/http-fields.ts';
import { combinedField } from './combined-field.ts';

/** What is kept of an answer to compare it with another. */
export type AnswerSummary = {
  readonly status: number;
  readonly fields: RawFields;
  /** Bytes of its body; `null`: nobody counted to the end. */
  readonly length: number | null;
  /** Digest of its body; `null`: too long, or not asked for. */
  readonly hash: string | null;
  /** Whether it is to be compared as JSON, and its body was held for that. */
  readonly json: 'none' | 'held' | 'lost';
  /** It came to its proper end. */
  readonly whole: boolean;
};

/** What came of comparing two answers: the `result` of `headgate_mirror_compared_total`, and what it means. */
export const comparisons = {
  match: 'nothing differs that `mode` compares',
  status_differs: 'the status differs',
  headers_differ: 'a header field differs that `ignoreHeaders` does not name',
  length_differs: 'the bodies are not equally long',
  body_differs: 'the bodies differ, or the values in them that `ignoreJSONPointers` leaves',
  incomparable:
    'nothing differs as far as one can see: a body broke off, is longer than `maxBytes`, or in a coding that is not read',
  not_sampled: 'the copy was not among those of `percent`',
  loop_busy: 'the thread was late, or had too much JSON to read: it is for the clients first',
  buffer_bytes: '`limits.bufferedBytes` were used up: the bodies could not be held',
  invalid_json: 'a body that should be JSON is none',
  duplicate_keys: 'an object in JSON has two members of one name',
  too_complex: 'JSON is nested deeper than 100 levels, or an object has more than 10,000 members',
} as const;

export type Comparison = keyof typeof comparisons;

/** How a body is sent, not what the answer says. */
const framing = ['content-length', 'transfer-encoding'];

/**
 * The first difference that the mode asks for: status, then headers, then body. `as_json`: what the
 * bodies say has to be compared, for their bytes differ.
 */
export function compareAnswers(
  primary: AnswerSummary,
  copy: AnswerSummary,
  { mode, ignoreHeaders, maxBytes }: CompareConfig,
): Comparison | 'as_json' {
  if (mode === 'Off') return 'match'; // asked for nothing
  if (primary.status !== copy.status) return 'status_differs';
  if (mode === 'Status') return 'match';

  const ignored = new Set([...framing, ...ignoreHeaders]);
  // Of bodies it decides whether they can be compared at all.
  if (mode === 'Body') ignored.add('content-encoding');
  if (headersDiffer(primary.fields, copy.fields, ignored)) return 'headers_differ';
  return mode === 'Headers' ? 'match' : compareBodies(primary, copy, maxBytes);
}

function headersDiffer(one: RawFields, other: RawFields, ignored: ReadonlySet<string>): boolean {
  const values = byName(endToEndFields(one, ignored));
  const otherValues = byName(endToEndFields(other, ignored));
  if (values.size !== otherValues.size) return true;
  for (const [name, value] of values) if (otherValues.get(name) !== value) return true;
  return false;
}

/** Several lines of one name are one list (RFC 9110 §5.3), but cookies, which hold commas themselves. */
function byName(fields: RawFields): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (let at = 0; at < fields.length; at += 2) {
    const name = (fields[at] ?? '').toLowerCase();
    const value = fields[at + 1] ?? '';
    const before = values.get(name);
    const separator = name === 'set-cookie' ? '\n' : ', ';
    values.set(name, before === undefined ? value : before + separator + value);
  }
  return values;
}

function compareBodies(
  primary: AnswerSummary,
  copy: AnswerSummary,
  maxBytes: number,
): Comparison | 'as_json' {
  if (!areWhole(primary, copy, maxBytes)) return 'incomparable';
  const sameCoding = codingOf(primary.fields) === codingOf(copy.fields);
  const sameBytes = primary.hash !== null && primary.hash === copy.hash;
  if (sameCoding && sameBytes && primary.length === copy.length) return 'match';
  if (primary.json !== 'none' && copy.json !== 'none') {
    return primary.json === 'held' && copy.json === 'held' ? 'as_json' : 'buffer_bytes';
  }
  if (!sameCoding) return 'incomparable';
  if (primary.length !== copy.length) return 'length_differs';
  return primary.hash === null || copy.hash === null ? 'incomparable' : 'body_differs';
}

function areWhole(primary: AnswerSummary, copy: AnswerSummary, maxBytes: number): boolean {
  return [primary, copy].every(
    ({ whole, length }) => whole && length !== null && length <= maxBytes,
  );
}

/** Lower case; what is in none is `identity`. */
export function codingOf(fields: RawFields): string {
  return combinedField(fields, 'content-encoding')?.toLowerCase() ?? 'identity';
}
