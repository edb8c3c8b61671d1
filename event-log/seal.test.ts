import { mkdir, mkdtemp, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createSeal, SealBroken } from './seal.ts';
import { openSealingKeyFile } from './sealing-key-file.ts';
import {
  createSealingKey,
  deriveForPool,
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

test('a key derived for a pool opens what the master sealed for it, and for no other pool', async (t) => {
  const master = generateSealingKey();
  const file = join(await temporaryFolder(t), 'seal.keys');
  await writeFile(file, formatSealingKey(deriveForPool(master, 'edge')));
  const pod = createSeal(await readSealingKeys(file));

  const forEdge = await createSeal([master]).seal(place, secret);
  const core = { ...place, pool: 'core' };
  const forCore = await createSeal([master]).seal(core, secret);

  t.is(await pod.open(place, forEdge), secret);
  await t.throwsAsync(pod.open(core, forCore), { message: /only for what pool edge opens/ });
  await t.throwsAsync(pod.open(place, forCore), { instanceOf: SealBroken });
  await t.throwsAsync(pod.digest('edge', { auth: secret }), { instanceOf: SealBroken });
  t.deepEqual(pod.keyIds, [master.id]);
  t.false((await readFile(file, 'utf8')).includes(Buffer.from(master.material).toString('base64')));
});

test('a new key seals for a pool as soon as all its pods hold it, and not before', async (t) => {
  const [old, fresh] = [generateSealingKey(), generateSealingKey()];
  let keys = [old];
  const seal = createSeal(() => keys);
  const pod = createSeal([deriveForPool(old, 'edge')]);
  const withOld = new Set([old.id]);
  seal.choose('edge', withOld);
  const digestBefore = await seal.digest('edge', { auth: secret });

  keys = [fresh, old];
  t.false(seal.choose('edge', withOld), 'one pod lacks it');
  t.is(await pod.open(place, await seal.seal(place, secret)), secret);
  t.is(await seal.digest('edge', { auth: secret }), digestBefore);
  t.false(seal.choose('edge', new Set()), 'a pod that holds none changes nothing');

  t.true(seal.choose('edge', new Set([old.id, fresh.id])));
  t.is(seal.sealingKeyId('edge'), fresh.id);
  t.false(seal.choose('edge', new Set([old.id, fresh.id])), 'told again');
  await t.throwsAsync(pod.open(place, await seal.seal(place, secret)), { message: /is not held/ });
  t.not(await seal.digest('edge', { auth: secret }), digestBefore);

  keys = [fresh];
  t.is(seal.sealingKeyId('edge'), fresh.id, 'the old one may go');
  t.false(seal.choose('core', null), 'nobody waits in a pool without pods');
  t.is(seal.sealingKeyId('core'), fresh.id);
});

test('keys that change in their file are held at once, and a broken file takes none away', async (t) => {
  const folder = await temporaryFolder(t);
  const [old, fresh] = [generateSealingKey(), generateSealingKey()];
  // As the kubelet does it: a directory per version, and a symlink that is swapped.
  const publish = async (version: string, content: string) => {
    await mkdir(join(folder, version));
    await writeFile(join(folder, version, 'seal.keys'), content);
    await symlink(version, join(folder, '..new'));
    await rename(join(folder, '..new'), join(folder, '..data'));
  };
  await publish('1', formatSealingKey(old));
  await symlink('..data/seal.keys', join(folder, 'seal.keys'));
  const changed = Promise.withResolvers<readonly string[]>();
  const failed = Promise.withResolvers<unknown>();
  using keyFile = await openSealingKeyFile({
    file: join(folder, 'seal.keys'),
    onChange: changed.resolve,
    onProblem: failed.resolve,
  });
  t.deepEqual(keyFile.seal.keyIds, [old.id]);

  await publish('2', `${formatSealingKey(fresh)}\n${formatSealingKey(old)}\n`);
  t.deepEqual(await changed.promise, [fresh.id, old.id]);
  await publish('3', 'nonsense');

  t.true((await failed.promise) instanceof SealingKeysUnusable);
  t.deepEqual(keyFile.seal.keyIds, [fresh.id, old.id]);
});

test('a key file that is not there is told apart', async (t) => {
  await t.throwsAsync(readSealingKeys(join(await temporaryFolder(t), 'none')), { code: 'ENOENT' });
});
