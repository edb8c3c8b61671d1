import { randomUUID } from 'node:crypto';
import test from 'ava';
import { hash } from 'bcrypt';
import type { PasswordResult } from '../workers/messages.ts';
import { createPasswords, type Passwords } from './passwords.ts';

const cheap = 4;
const digest = 'd1';

async function start(lines: readonly string[]): Promise<Passwords> {
  const passwords = createPasswords();
  passwords.learn(digest, lines.join('\n'));
  return passwords;
}

const request = (user: string, password: string) => ({
  uid: 'u1',
  digest,
  client: randomUUID(), // failures are counted per client
  user,
  password,
  attempts: 3,
});

function check(
  passwords: Passwords,
  asked: Parameters<Passwords['check']>[0],
): Promise<PasswordResult> {
  const { promise, resolve } = Promise.withResolvers<PasswordResult>();
  passwords.check(asked, resolve);
  return promise;
}

test('a user is let in with the password of the line, whatever htpasswd calls bcrypt', async (t) => {
  const hashed = await hash('secret', cheap);
  const passwords = await start([
    '# users',
    '',
    `b:${hashed}`,
    `y:${hashed.replace('$2b$', '$2y$')}`,
    `a:${hashed.replace('$2b$', '$2a$')}  `,
    `crlf:${hashed}\r`,
    'plain:secret',
    'md5:$apr1$x$y',
  ]);

  for (const user of ['b', 'y', 'a', 'crlf']) {
    t.is(await check(passwords, request(user, 'secret')), 'ok', user);
    t.is(await check(passwords, request(user, 'Secret')), 'wrong', user);
  }
  for (const user of ['plain', 'md5', '#', '', 'nobody']) {
    t.is(await check(passwords, request(user, 'secret')), 'wrong', user);
  }
});

test('C23: odd passwords are compared whole', async (t) => {
  const passwords = await start([
    `colon:${await hash('a:b', cheap)}`,
    `empty:${await hash('', cheap)}`,
    `umlaut:${await hash('größe', cheap)}`,
    `short:${await hash('a', cheap)}`,
  ]);

  t.is(await check(passwords, request('colon', 'a:b')), 'ok');
  t.is(await check(passwords, request('empty', '')), 'ok');
  t.is(await check(passwords, request('umlaut', 'größe')), 'ok');
  t.is(await check(passwords, request('short', 'a\0b')), 'wrong');
  t.is(await check(passwords, request('colon', 'a')), 'wrong');
});

test('no password fits a user there is not, nor a Secret there is not', async (t) => {
  const passwords = await start([`u:${await hash('p', cheap)}`]);

  // The hash that stands in for a user who is missing is a hash of something.
  for (const password of ['', 'x', 'p', 'password', 'dummy']) {
    t.is(await check(passwords, request('nobody', password)), 'wrong');
  }
  t.is(await check(passwords, { ...request('u', 'p'), digest: 'other' }), 'wrong');
});

test('a rotated Secret counts at once, and the old one no longer', async (t) => {
  const passwords = await start([`u:${await hash('old', cheap)}`]);
  passwords.learn('d2', `u:${await hash('new', cheap)}`);
  t.is(await check(passwords, request('u', 'old')), 'ok');

  passwords.retain(new Set(['d2']));

  t.is(await check(passwords, request('u', 'old')), 'wrong');
  t.is(await check(passwords, { ...request('u', 'new'), digest: 'd2' }), 'ok');
  t.is(await check(passwords, { ...request('u', 'old'), digest: 'd2' }), 'wrong');
});

test('a client that fails too often is not listened to, others are', async (t) => {
  const passwords = await start([`u:${await hash('p', cheap)}`]);
  const client = randomUUID();
  const tries = (password: string, change = {}) =>
    check(passwords, { ...request('u', password), client, ...change });

  for (let attempt = 0; attempt < 3; attempt++) t.is(await tries('x'), 'wrong');

  t.is(await tries('p'), 'rate_limited', 'not even with the right password');
  t.is(await check(passwords, request('u', 'p')), 'ok', 'another client');
  t.is(await tries('p', { uid: 'u2' }), 'ok', 'another resource');
  t.is(await tries('p', { attempts: 4 }), 'ok', 'a limit that was raised');
});

test('a password that fits is no failure', async (t) => {
  const passwords = await start([`u:${await hash('p', cheap)}`]);
  const asked = request('u', 'p');

  for (let attempt = 0; attempt < 5; attempt++) t.is(await check(passwords, asked), 'ok');
});

test('more checks than can wait are refused at once, and those that wait are all answered', async (t) => {
  const passwords = await start([`u:${await hash('p', cheap)}`]);

  const results = await Promise.all(
    Array.from({ length: 100 }, () => check(passwords, request('u', 'p'))),
  );

  t.deepEqual(
    results.map((result, at) => [at < 66, result]),
    results.map((_, at) => (at < 66 ? [true, 'ok'] : [false, 'overloaded'])),
    'two at work and 64 in the queue',
  );
  t.is(await check(passwords, request('u', 'p')), 'ok', 'and then there is room again');
});

test('passwords sent all at once get no more attempts than one after the other', async (t) => {
  const passwords = await start([`alice:${await hash('secret', cheap)}`]);
  const sender = { ...request('alice', 'guess'), attempts: 3 };

  const results = await Promise.all(Array.from({ length: 20 }, () => check(passwords, sender)));

  const tried = results.filter((result) => result === 'wrong').length;
  t.true(tried === 3 || tried === 4, `${tried}`); // two are tried at a time
  t.is(results.filter((result) => result === 'rate_limited').length, 20 - tried);
});
