import test from 'ava';
import { readSecretObject } from './read-secret.ts';

const head = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'users' } };
const base64 = (text: string) => Buffer.from(text).toString('base64');

test('data is base64, stringData is as it is and wins', (t) => {
  const secret = readSecretObject({
    ...head,
    type: 'Opaque',
    data: { auth: base64('old'), other: base64('ümlaut') },
    stringData: { auth: 'new' },
  });

  t.deepEqual(secret, { fields: { auth: 'new', other: 'ümlaut' }, problems: [] });
});

const broken: Readonly<Record<string, readonly [object: object, field: string, RegExp]>> = {
  'plain text in data': [{ data: { auth: 'alice:hunter2!' } }, 'data.auth', /is not base64/],
  'base64 of bytes that are no text': [{ data: { auth: '/w==' } }, 'data.auth', /UTF-8 text/],
  'a number': [{ stringData: { pin: 1234 } }, 'stringData.pin', /put it in quotes/],
  'a list': [{ stringData: ['hunter2!'] }, 'stringData', /must be a mapping/],
  'a name no Secret has': [{ stringData: { 'a/b': 'hunter2!' } }, 'stringData["a/b"]', /may have/],
  'a misspelt section': [{ stringdata: { auth: 'hunter2!' } }, 'stringdata', /"stringData"/],
  'more than a Secret holds': [{ stringData: { a: 'hunter2!'.repeat(131_073) } }, 'data', /1 MiB/],
};

for (const [title, [object, field, message]] of Object.entries(broken)) {
  test(`told without a word of the material: ${title}`, (t) => {
    const { problems } = readSecretObject({ ...head, ...object });

    t.is(problems[0]?.field, field);
    t.regex(problems[0]?.message ?? '', message);
    t.notRegex(JSON.stringify(problems), /hunter2|1234/);
  });
}
