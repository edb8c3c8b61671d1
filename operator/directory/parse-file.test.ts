import test from 'ava';
import { parseFile } from './parse-file.ts';

function parse(text: string | Uint8Array) {
  return parseFile(typeof text === 'string' ? Buffer.from(text) : text);
}

const proxies = `# two of them
kind: ForwardProxy
spec:
  listeners:
    - name: all
      port: 3128
    - {name: more,
       port: 1080}
---
kind: Secret
stringData: {auth: x}
`;

test('every field knows its line, and one that is missing the line where it belongs', (t) => {
  const [proxy, secret] = parse(proxies).documents;

  t.is(proxy?.line, 2);
  t.is(proxy?.lineOf('spec'), 3);
  t.is(proxy?.lineOf('spec.listeners[0].port'), 6);
  t.is(proxy?.lineOf('spec.listeners[1].port'), 8);
  t.is(proxy?.lineOf('spec.listeners[1].protocol'), 7);
  t.is(proxy?.lineOf('metadata.name'), 2);
  t.is(secret?.line, 10);
  t.is(secret?.lineOf('stringData.auth'), 11);
});

test('merge keys, anchors and JSON are read as kubectl reads them', (t) => {
  const { documents, problems } = parse('a: &a {x: 1}\nb: {<<: *a, y: 2}\n---\n{"c":\t[1]}\n');

  t.deepEqual(problems, []);
  t.deepEqual(
    documents.map(({ object }) => object),
    [{ a: { x: 1 }, b: { x: 1, y: 2 } }, { c: [1] }],
  );
});

test('nothing is nothing', (t) => {
  for (const text of ['', '\n\n', '# a comment\n', '---\n---\n', 'null\n']) {
    t.deepEqual(parse(text), { documents: [], problems: [] }, JSON.stringify(text));
  }
});

test('a broken document does not hide its neighbours', (t) => {
  const { documents, problems } = parse('a: 1\n---\nb: [\n---\nc: 3\n');

  t.true(documents.some(({ object }) => JSON.stringify(object) === '{"a":1}'));
  t.is(problems.length > 0, true);
  t.is(problems[0]?.line, 4);
});

/** Nine levels of nine aliases each stand for 9^9 nodes. */
const aliasBomb = Array.from({ length: 10 }, (_, level) => {
  const items =
    level === 0
      ? 'lol'
      : Array(9)
          .fill(`*a${level - 1}`)
          .join(', ');
  return `a${level}: &a${level} [${items}]`;
}).join('\n');

const broken: Readonly<Record<string, readonly [text: string | Uint8Array, line: number, RegExp]>> =
  {
    'a tab for indentation': ['a:\n\tb: 1\n', 2, /tabs are not allowed/i],
    'a list that does not end': ['a: 1\nb: [1, 2\n', 3, /flow sequence/],
    'a quote that does not end': ['a: 1\nb: "x\n', 3, /closing "quote/],
    'a key written twice': ['a: 1\nb: 2\na: 3\n', 3, /"a" is written twice/],
    'indentation that fits nothing': ['a:\n    b: 1\n  c: 2\n', 3, /.+/],
    'an alias of nothing': ['a: *nobody\n', 1, /unresolved alias/],
    'an alias bomb': [aliasBomb, 1, /excessive alias count/],
    'more aliases than anyone writes': [
      Array.from({ length: 1001 }, (_, n) => `- &a${n} x\n- *a${n}`).join('\n'),
      1,
      /more than 1000 aliases/,
    ],
    'a tag of another program': ['a: 1\nb: !!python/object:os.system x\n', 2, /unresolved tag/],
    'another encoding': [Buffer.from('a: 1\nb: sch\u00f6n\n', 'latin1'), 2, /is not UTF-8 text/],
    'UTF-16': [Buffer.from('\ufeffa: 1\n', 'utf16le'), 1, /is not UTF-8 text/],
    'a binary file': [
      Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0x02, 0x00, 0x0a]),
      1,
      /is not UTF-8 text/,
    ],
    'a well without bottom': ['['.repeat(100_000), 1, /nested too deeply/],
  };

for (const [title, [text, line, message]] of Object.entries(broken)) {
  test(`told with its line: ${title}`, (t) => {
    const { problems } = parse(text);

    t.regex(problems[0]?.message ?? '', message);
    t.is(problems[0]?.line, line);
  });
}

const secretTexts = {
  'a scalar where none can be': 'a: 1\n  - b: |\n      ann:hunter2\n   ann:hunter2\n',
  'an alias without its anchor': 'auth: *hunter2',
  'an unknown tag': 'auth: !hunter2 x',
  'a broken quote': 'auth: "hunter2\nb: [',
  'a document that is no mapping': 'a: b\nhunter2\n',
};
for (const [what, text] of Object.entries(secretTexts)) {
  test(`a problem quotes nothing that may be a password: ${what}`, (t) => {
    const { problems } = parseFile(Buffer.from(text));

    t.true(problems.length > 0);
    t.notRegex(JSON.stringify(problems), /hunter2/);
  });
}
