import test from 'ava';
import type { CompareConfig } from '../../../contracts/kinds/mirror-route/config.ts';
import { type AnswerSummary, type Comparison, compareAnswers } from './compare-answers.ts';

const answer = (parts: Partial<AnswerSummary> = {}): AnswerSummary => ({
  status: 200,
  fields: ['Content-Type', 'text/plain', 'X-Version', '1'],
  length: 5,
  hash: 'five',
  json: 'none',
  whole: true,
  ...parts,
});
const compare = (
  copy: Partial<AnswerSummary>,
  mode: CompareConfig['mode'],
  primary: Partial<AnswerSummary> = {},
): Comparison | 'as_json' =>
  compareAnswers(answer(primary), answer(copy), {
    ...{ mode, percent: 100, maxBytes: 100 },
    ...{ ignoreHeaders: ['date'], ignoreJSONPointers: [] },
  });
const withFields = (...fields: readonly string[]) => ({ fields });

test('each mode sees what it asks for, and what stands before it', (t) => {
  const modes = ['Off', 'Status', 'Headers', 'Body'] as const;
  const seen = (copy: Partial<AnswerSummary>) => modes.map((mode) => compare(copy, mode));

  t.deepEqual(seen({}), ['match', 'match', 'match', 'match']);
  t.deepEqual(seen({ status: 500 }), [
    ...['match', 'status_differs', 'status_differs', 'status_differs'],
  ]);
  t.deepEqual(seen(withFields('X-Version', '2')), [
    ...['match', 'match', 'headers_differ', 'headers_differ'],
  ]);
  t.deepEqual(seen({ length: 6 }), ['match', 'match', 'match', 'length_differs']);
  t.deepEqual(seen({ hash: 'other' }), ['match', 'match', 'match', 'body_differs']);
});

test('of several differences the first is said', (t) => {
  const all = { status: 500, fields: [], length: 6, hash: 'other' };

  t.is(compare(all, 'Body'), 'status_differs');
  t.is(compare({ ...all, status: 200 }, 'Body'), 'headers_differ');
  t.is(compare({ length: 6, hash: 'other' }, 'Body'), 'length_differs');
});

const alike: ReadonlyArray<readonly [what: string, one: string[], other: string[]]> = [
  ['order of names', ['A', '1', 'B', '2'], ['B', '2', 'A', '1']],
  ['case of names', ['Content-Type', 'a'], ['content-type', 'a']],
  ['an ignored field', ['Date', 'Mon'], ['DATE', 'Tue']],
  ['an ignored field that is missing', ['Date', 'Mon'], []],
  ['lines or a list', ['Vary', 'a', 'Vary', 'b'], ['Vary', 'a, b']],
  ['chunks or a length (R18)', ['Transfer-Encoding', 'chunked'], ['Content-Length', '5']],
  ['what the connection does', ['Connection', 'close'], ['Keep-Alive', 'timeout=5']],
  ['fields of the connection', ['Connection', 'X-Hop', 'X-Hop', '1'], []],
  [
    'cookies in the same order',
    ['Set-Cookie', 'a', 'Set-Cookie', 'b'],
    ['set-cookie', 'a', 'set-cookie', 'b'],
  ],
];

for (const [what, one, other] of alike) {
  test(`${what} makes no difference between headers`, (t) => {
    t.is(compare(withFields(...other), 'Headers', withFields(...one)), 'match');
    t.is(compare(withFields(...one), 'Headers', withFields(...other)), 'match');
  });
}

const different: ReadonlyArray<readonly [what: string, one: string[], other: string[]]> = [
  ['a value', ['A', '1'], ['A', '2']],
  ['the case of a value', ['A', 'x'], ['A', 'X']],
  ['a field more', ['A', '1'], ['A', '1', 'B', '2']],
  ['another field', ['A', '1'], ['B', '1']],
  ['an empty field', [], ['A', '']],
  ['a line more', ['A', '1'], ['A', '1', 'A', '1']],
  ['the order of lines of one name', ['A', '1', 'A', '2'], ['A', '2', 'A', '1']],
  ['two cookies or one', ['Set-Cookie', 'a', 'Set-Cookie', 'b'], ['Set-Cookie', 'a, b']],
  ['the coding of a body that is not compared', [], ['Content-Encoding', 'gzip']],
];

for (const [what, one, other] of different) {
  test(`${what} is a difference between headers`, (t) => {
    t.is(compare(withFields(...other), 'Headers', withFields(...one)), 'headers_differ');
    t.is(compare(withFields(...one), 'Headers', withFields(...other)), 'headers_differ');
  });
}

const incomparable: ReadonlyArray<readonly [what: string, copy: Partial<AnswerSummary>]> = [
  ['an answer that broke off', { whole: false }],
  ['a body nobody counted', { length: null }],
  ['a body without digest', { hash: null }],
  ['a body longer than maxBytes', { length: 101 }],
  ['a body in another coding (R18)', withFields('Content-Encoding', 'gzip')],
];

for (const [what, copy] of incomparable) {
  test(`${what} cannot be compared, whichever side it is on`, (t) => {
    const fields = copy.fields ?? [];

    t.is(
      compare(copy, 'Body', { fields: [] }),
      fields.length > 0 ? 'incomparable' : 'headers_differ',
    );
    t.is(compare({ ...copy, fields }, 'Body', { fields: [] }), 'incomparable');
    t.is(compare({ fields: [] }, 'Body', { ...copy, fields }), 'incomparable');
  });
}

test('a body of exactly maxBytes is compared', (t) => {
  t.is(compare({ length: 100 }, 'Body', { length: 100 }), 'match');
});

test('a body in the same coding on both sides is compared, identity being none', (t) => {
  const gzip = withFields('Content-Encoding', 'GZIP');

  t.is(compare(gzip, 'Body', withFields('content-encoding', 'gzip')), 'match');
  t.is(compare(withFields('Content-Encoding', 'identity'), 'Body', withFields()), 'match');
  t.is(compare({ ...gzip, hash: 'other' }, 'Body', gzip), 'body_differs');
});

test('without a body on either side there is nothing to differ', (t) => {
  t.is(compare({ length: 0, hash: '' }, 'Body', { length: 0, hash: '' }), 'match');
});

const other = { length: 6, hash: 'other' };

test('bodies of JSON whose bytes differ are compared by what they say, in whatever coding', (t) => {
  const json = { json: 'held' } as const;
  const gzip = withFields('Content-Encoding', 'gzip');

  t.is(compare({ ...json, ...other }, 'Body', json), 'as_json');
  t.is(compare({ ...json, ...other, ...gzip }, 'Body', { ...json, ...withFields() }), 'as_json');
  t.is(compare({ ...json, ...gzip }, 'Body', { ...json, ...withFields() }), 'as_json');
});

test('bodies of JSON with the same bytes are equal, held or not', (t) => {
  t.is(compare({ json: 'held' }, 'Body', { json: 'held' }), 'match');
  t.is(compare({ json: 'lost' }, 'Body', { json: 'held' }), 'match');
});

test('a body of JSON that could not be held cannot be compared by what it says', (t) => {
  t.is(compare({ json: 'lost', ...other }, 'Body', { json: 'held' }), 'buffer_bytes');
  t.is(compare({ json: 'held', ...other }, 'Body', { json: 'lost' }), 'buffer_bytes');
});

test('JSON and something else are compared byte by byte', (t) => {
  t.is(compare({ json: 'held', ...other }, 'Body'), 'length_differs');
  t.is(compare(other, 'Body', { json: 'held' }), 'length_differs');
});

test('what stands before the body, or makes it incomparable, is said of JSON, too', (t) => {
  const json = { json: 'held', ...other } as const;

  t.is(compare({ ...json, status: 500 }, 'Body', { json: 'held' }), 'status_differs');
  t.is(compare({ ...json, fields: [] }, 'Body', { json: 'held' }), 'headers_differ');
  t.is(compare({ ...json, whole: false }, 'Body', { json: 'held' }), 'incomparable');
  t.is(compare({ ...json, length: 101 }, 'Body', { json: 'held' }), 'incomparable');
});
