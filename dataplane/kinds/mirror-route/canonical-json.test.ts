import { createHash } from 'node:crypto';
import test from 'ava';
import { CanonicalJson, type JsonReading } from './canonical-json.ts';
import { ignoredValues } from './ignored-values.ts';

const digest = (text: string): string => createHash('sha256').update(text).digest('base64');

type Reading = { readonly ignore?: readonly string[]; readonly characters?: number };

function read(text: string, { ignore = [], characters = 1000 }: Reading = {}): JsonReading {
  const json = new CanonicalJson(text, ignoredValues(ignore), digest);
  for (;;) {
    const reading = json.readOn(characters);
    if (reading !== null) return reading;
  }
}

/** What it is read to, however little at a time; or the problem. */
function outcome(text: string, ignore: readonly string[] = []): string {
  const [whole, little] = [read(text, { ignore }), read(text, { ignore, characters: 1 })];
  const [one, other] = [whole, little].map((reading) =>
    'problem' in reading ? reading.problem : reading.digest,
  );
  return one === other ? (one ?? '') : `${one} or ${other}`;
}

const long = 'x'.repeat(100);

const equal: ReadonlyArray<readonly [what: string, one: string, other: string]> = [
  ['the order of members', '{"a":1,"b":[{"c":1,"d":2}]}', '{"b":[{"d":2,"c":1}],"a":1}'],
  ['the order of long members', `{"a":"${long}","b":"${long}x"}`, `{"b":"${long}x","a":"${long}"}`],
  ['blanks', ' {"a" :\t[ 1 , 2 ]\r\n} \n', '{"a":[1,2]}'],
  ['blanks in what is empty', '[ { } , [ ] ]', '[{},[]]'],
  ['the spelling of a string', '["\\u0041\\/\\u00e9\\n"]', '["A/é\\u000a"]'],
  ['the spelling of a backslash before the end', '["\\\\","\\""]', '["\\u005c","\\u0022"]'],
  ['the spelling of a name', '{"\\u0061":1}', '{"a":1}'],
];

for (const [what, one, other] of equal) {
  test(`${what} makes no difference`, (t) => {
    t.is(outcome(one).length, 44, outcome(one));
    t.is(outcome(one), outcome(other));
  });
}

const different: ReadonlyArray<readonly [what: string, one: string, other: string]> = [
  ['a number', '1', '2'],
  ['integers that are one double', '9007199254740993', '9007199254740992'],
  ['numbers that no double holds', '1e400', '1e401'],
  ['1 and 1.0, which are two texts', '1', '1.0'],
  ['100 and 1e2, which are two texts', '100', '1e2'],
  ['-0 and 0', '-0', '0'],
  ['a number and a string', '1', '"1"'],
  ['null and nothing', '{"a":null}', '{}'],
  ['null and false', 'null', 'false'],
  ['the order of items', '[1,2]', '[2,1]'],
  ['an item more', '[1]', '[1,1]'],
  ['what is in which list', '[[1],2]', '[[1,2]]'],
  ['what is in which object', '{"a":{"b":1},"c":2}', '{"a":{"b":1,"c":2}}'],
  ['an empty list and an empty object', '[]', '{}'],
  ['two names', '{"a":1}', '{"b":1}'],
  ['__proto__ and nothing', '{"__proto__":{"a":1}}', '{}'],
  ['case', '"a"', '"A"'],
  ['é as one character or two', '"\\u00e9"', '"e\\u0301"'],
  ['a lone surrogate and another', '"\\ud800"', '"\\ud801"'],
  ['long strings', `"${long}"`, `"${long}x"`],
  ['what looks like a digest', `["${long}"]`, JSON.stringify([`#${digest(`"${long}"`)}`])],
  ['the last of many items', `[${'1,'.repeat(50_000)}1]`, `[${'1,'.repeat(50_000)}2]`],
  ['the first of many items', `[1${',1'.repeat(50_000)}]`, `[2${',1'.repeat(50_000)}]`],
];

for (const [what, one, other] of different) {
  test(`different: ${what}`, (t) => {
    t.is(outcome(one).length, 44, outcome(one));
    t.is(outcome(other).length, 44, outcome(other));
    t.not(outcome(one), outcome(other));
  });
}

const ignoring: ReadonlyArray<
  readonly [what: string, ignore: readonly string[], one: string, other: string]
> = [
  ['another value', ['/a'], '{"a":1,"b":2}', '{"a":[{"c":3}],"b":2}'],
  ['a value that is missing', ['/a'], '{"a":1,"b":2}', '{"b":2}'],
  ['a value below others', ['/a/0/b'], '{"a":[{"b":1,"c":2}]}', '{"a":[{"c":2}]}'],
  ['an item', ['/1'], '[1,2,3]', '[1,4,3]'],
  ['an item that only one has', ['/1'], '[1,2]', '[1]'],
  ['two items: the first moves no other', ['/0', '/1'], '[1,2,3]', '[4,5,3]'],
  ['a name with a slash', ['/a~1b'], '{"a/b":1}', '{}'],
  ['a name without letters', ['/'], '{"":1}', '{}'],
  ['a name that is spelt otherwise', ['/a'], '{"\\u0061":1}', '{"a":2}'],
  ['a name that is a number', ['/0'], '{"0":1}', '{"0":2}'],
];

for (const [what, ignore, one, other] of ignoring) {
  test(`ignored: ${what}`, (t) => {
    t.is(outcome(one, ignore).length, 44, outcome(one, ignore));
    t.is(outcome(one, ignore), outcome(other, ignore));
    t.not(outcome(one), outcome(other));
  });
}

test('a pointer to something else ignores nothing', (t) => {
  for (const pointer of ['/a/b', '/b', '/0', '/A', '/a/', '//a']) {
    t.not(outcome('{"a":1}', [pointer]), outcome('{"a":2}', [pointer]), pointer);
  }
  t.not(outcome('[1,2]', ['/0']), outcome('[1,3]', ['/0']));
  for (const pointer of ['/01', '/-', '/-0', '/1', '/0/0']) {
    t.not(outcome('[1]', [pointer]), outcome('[2]', [pointer]), pointer);
  }
});

test('what is no JSON is said', (t) => {
  const texts = [
    ...['', ' ', '{', '[', '"', '"a', '"\\"', '{"a"', '{"a":', '{"a":1', '[1', '[1,', '{"a":1,'],
    ...['[1,]', '[,1]', '{"a":1,}', '{a:1}', "{'a':1}", '{1:1}', '{"a",1}', '[1 2]', '[1}', '{]'],
    ...['01', '+1', '.5', '1.', '1e', '-', 'NaN', 'Infinity', 'True', 'nul', 'undefined', '0x1'],
    ...[
      '"\n"',
      '"\u0000"',
      '"\\x41"',
      '"\\u00"',
      '1 2',
      '{} []',
      '[]]',
      '\ufeff1',
      '\u00a01',
      '/**/1',
    ],
  ];

  for (const text of texts) t.is(outcome(text), 'invalid_json', text);
});

test('a name that stands twice is said, where it is ignored too', (t) => {
  t.is(outcome('{"a":1,"a":1}'), 'duplicate_keys');
  t.is(outcome('{"a":1,"\\u0061":2}', ['/a']), 'duplicate_keys');
  t.is(outcome('[{"c":0,"b":1,"a":2,"b":3}]', ['/0']), 'duplicate_keys');
  t.is(outcome('[{"a":1},{"a":1}]').length, 44);
});

test('a hundred levels are read, and no more', (t) => {
  const nested = (levels: number) =>
    '[{"a":'.repeat(levels / 2) + '1'.padEnd(1) + '}]'.repeat(levels / 2);

  t.is(outcome(nested(100)).length, 44);
  t.is(outcome(nested(102)), 'too_complex');
  t.is(outcome('['.repeat(1_000_000)), 'too_complex');
});

test('an object has ten thousand members at most, a list any number of items', (t) => {
  const members = (count: number) =>
    JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, index) => [index, 1])));

  t.is(outcome(members(10_000)).length, 44);
  t.is(outcome(members(10_001)), 'too_complex');
  t.is(outcome(JSON.stringify(Array.from({ length: 10_001 }, String))).length, 44);
});

test('it reads about as much as it is told to, and then goes on', (t) => {
  const text = JSON.stringify(
    Array.from({ length: 1000 }, (_, index) => ({ index, name: 'a name' })),
  );
  const json = new CanonicalJson(text, ignoredValues([]), digest);
  let parts = 1;

  while (json.readOn(1000) === null) parts++;

  t.true(
    parts >= Math.floor(text.length / 1050) && parts <= Math.ceil(text.length / 1000),
    `${parts}`,
  );
});
