import test from 'ava';
import { findHtpasswdProblem } from './check-htpasswd.ts';

const hash = (prefix = '2y', cost = '10') => `$${prefix}$${cost}$${'a'.repeat(53)}`;

for (const prefix of ['2a', '2b', '2y']) {
  test(`$${prefix}$ hashes are taken, with comments and empty lines around them`, (t) => {
    t.is(findHtpasswdProblem(`# team\r\n\nann:${hash(prefix)}\r\nbob:${hash(prefix)}\n`), null);
  });
}

const bad: ReadonlyArray<readonly [string, string, RegExp]> = [
  ['nothing but comments', '# nobody\n', /^it names no user/],
  ['no colon', `ann:${hash()}\nsecret`, /^line 2: not user:hash/],
  ['an empty user', `:${hash()}`, /^line 1: not user:hash/],
  [
    'an MD5 hash',
    'ann:$apr1$abcdefgh$0123456789012345678901',
    /^line 1: .*not bcrypt.*`headgate htpasswd ann`/,
  ],
  ['a SHA-1 hash', 'ann:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=', /not bcrypt/],
  ['a plain password', 'ann:hunter2', /not bcrypt/],
  ['a cost that would overload us', `ann:${hash('2y', '20')}`, /^line 1: bcrypt cost 20/],
  ['a user named twice', `ann:${hash()}\n\nann:${hash()}`, /^line 3: user ann already has line 1/],
  ['a user name SOCKS5 cannot carry', `${'a'.repeat(256)}:${hash()}`, /longer than 255 bytes/],
];

for (const [name, text, expected] of bad) {
  test(`${name} is refused by line number`, (t) => {
    const problem = findHtpasswdProblem(text);

    t.regex(problem ?? '', expected);
    t.notRegex(problem ?? '', /hunter2|secret|apr1|5en6G|aaaaaa/, 'no material in the message');
  });
}
