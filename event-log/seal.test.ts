import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createSeal, SealBroken } from './seal.ts';
import {
  createSealingKey,
  formatSealingKey,
  generateSealingKey,
  readSealingKeys,
  SealingKeysUnusable,
} from './sealing-keys.ts';

const place = { pool: 'edge', logId: 'log-1', subject: 'headgate.config.edge.s', field: 'auth' };
const secret = 'ada:$2b$10$correct-horse-battery-staple';

async function temporaryFolder(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-keys-'));
  t.teardown(() => rm(folder, { recursive: true }));
  return folder;
}

test('what was sealed opens with the same key in the same place', async (t) => {
  const seal = createSeal([generateSealingKey()]);

  const jwe = await seal.seal(place, secret);

  t.is(await seal.open(place, jwe), secret);
  t.false(jwe.includes('ada'));
  t.is(jwe.split('.').length, 5);
});

for (const moved of [{ pool: 'core' }, { logId: 'log-2' }, { subject: 'x' }, { field: 'y' }]) {
  const [[name = ''] = []] = Object.entries(moved);
  test(`what was sealed does not open with another ${name}`, async (t) => {
    const seal = createSeal([generateSealingKey()]);
    const jwe = await seal.seal(place, secret);

    const error = await t.throwsAsync(seal.open({ ...place, ...moved }, jwe), {
      instanceOf: SealBroken,
    });

    t.false(error.message.includes('ada'));
  });
}

test('text that was tampered with does not open, and the error does not repeat it', async (t) => {
  const seal = createSeal([generateSealingKey()]);
  const jwe = await seal.seal(place, secret);
  const tampered = `${jwe.slice(0, -4)}AAAA`;

  const error = await t.throwsAsync(seal.open(place, tampered), { instanceOf: SealBroken });
  await t.throwsAsync(seal.open(place, secret), { instanceOf: SealBroken });

  t.false(error.message.includes(tampered));
});

test('after a new key was put first, both open what the old one sealed, until it is removed', async (t) => {
  const old = generateSealingKey();
  const fresh = generateSealingKey();
  const sealedBefore = await createSeal([old]).seal(place, secret);

  const both = createSeal([fresh, old]);
  const sealedAfter = await both.seal(place, secret);

  t.deepEqual(both.keyIds, [fresh.id, old.id]);
  t.is(await both.open(place, sealedBefore), secret);
  t.is(await createSeal([fresh]).open(place, sealedAfter), secret);
  await t.throwsAsync(createSeal([fresh]).open(place, sealedBefore), { message: /is not held/ });
});

test('a digest tells equal material from other, and differs by pool and key', async (t) => {
  const key = generateSealingKey();
  const { digest } = createSeal([key]);

  const one = await digest('edge', { auth: secret, more: 'x' });

  t.is(await createSeal([key]).digest('edge', { more: 'x', auth: secret }), one);
  t.not(await digest('edge', { auth: secret }), one);
  t.not(await digest('core', { auth: secret, more: 'x' }), one);
  t.not(await createSeal([generateSealingKey()]).digest('edge', { auth: secret, more: 'x' }), one);
});

test('a key file is made once, for its owner alone, and read again', async (t) => {
  const file = join(await temporaryFolder(t), 'seal.key');

  const made = await createSealingKey(file);

  const jwe = await createSeal(made).seal(place, secret);
  t.is(await createSeal(await readSealingKeys(file)).open(place, jwe), secret);
  t.is((await stat(file)).mode & 0o777, 0o600);
  await t.throwsAsync(createSealingKey(file), { code: 'EEXIST' });
  t.regex(await readFile(file, 'utf8'), /^\w+ [\w+/]{43}=\n$/);
});

test('a key file names keys line by line, the first one seals', async (t) => {
  const file = join(await temporaryFolder(t), 'seal.key');
  const [first, second] = [generateSealingKey(), generateSealingKey()];
  await writeFile(file, `# fresh\n${formatSealingKey(first)}\n\n${formatSealingKey(second)}\n`);

  const { keyIds } = createSeal(await readSealingKeys(file));

  t.deepEqual(keyIds, [first.id, second.id]);
});

const broken = {
  'has no key': '\n# nothing\n',
  'has a short key': 'k1 c2hvcnQ=\n',
  'has a key without a name': `${Buffer.alloc(32, 7).toString('base64')}\n`,
  'names two keys alike': `${`k1 ${Buffer.alloc(32, 7).toString('base64')}\n`.repeat(2)}`,
};
for (const [name, content] of Object.entries(broken)) {
  test(`a key file that ${name} is refused without showing it`, async (t) => {
    const file = join(await temporaryFolder(t), 'seal.key');
    await writeFile(file, content);

    const error = await t.throwsAsync(readSealingKeys(file), { instanceOf: SealingKeysUnusable });

    t.false(error.message.includes('c2hvcnQ'));
    t.false(error.message.includes('BwcHBwcH'));
  });
}

test('a key file that is not there is told apart', async (t) => {
  await t.throwsAsync(readSealingKeys(join(await temporaryFolder(t), 'none')), { code: 'ENOENT' });
});
