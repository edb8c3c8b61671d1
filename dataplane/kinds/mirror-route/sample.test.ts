import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import type { MirrorConfig } from '../../../contracts/kinds/mirror-route/config.ts';
import { mirrorConfig } from '../../../test/support/mirror-route-config.ts';
import { createRandom } from '../../../test/support/random.ts';
import { compileSampling, isSampled } from './sample.ts';
import { samplingHash, startHash } from './sampling-hash.ts';
import type { SampledRequest } from './sampling-key.ts';
import { toWire } from './wire-text.ts';

const request = (parts: Partial<SampledRequest> = {}): SampledRequest => ({
  method: 'GET',
  fields: [],
  path: '/',
  query: null,
  clientAddress: '192.0.2.1',
  ...parts,
});
const withKey = (key: string) => request({ fields: ['X-User', key] });

type HashSampling = Extract<MirrorConfig['sampling'], { readonly strategy: 'Hash' }>;

const byUser = (parts: Partial<HashSampling> = {}): HashSampling => ({
  strategy: 'Hash',
  key: { type: 'Header', name: 'x-user' },
  salt: '',
  onMissingKey: 'Skip',
  ...parts,
});
const of = (numerator: number, denominator = 100) => ({ numerator, denominator });

/** What a mirror makes of a request; chance is asked only where a test gives it. */
const sampled = (
  mirror: Partial<MirrorConfig>,
  from: SampledRequest,
  random: () => number = () => {
    throw new Error('nobody should ask chance');
  },
) => isSampled(compileSampling(mirrorConfig(mirror)), from, random);

const seeded = (seed: number) => {
  const random = createRandom(seed);
  return () => random.below(2 ** 32) / 2 ** 32;
};
const almostOne = 1 - Number.EPSILON / 2;

test('only methods of the list are copied, an empty list is any', (t) => {
  const list = { methods: ['GET', 'HEAD'] };
  const always = () => 0;

  t.is(sampled(list, request({ method: 'GET' }), always), 'sampled');
  t.is(sampled(list, request({ method: 'POST' }), always), 'method');
  t.is(sampled(list, request({ method: 'get' }), always), 'method');
  t.is(sampled({ methods: [] }, request({ method: 'POST' }), always), 'sampled');
});

test('R14: a copy of ours that comes back is not copied again, one of others is', (t) => {
  const marked = (value: string) => request({ fields: ['x-mirrored-by', value] });
  const always = () => 0;

  t.is(sampled({}, marked('team-a/shop'), always), 'loop');
  t.is(sampled({}, marked('team-b/shop'), always), 'sampled');
  t.is(sampled({ mark: null }, marked('team-a/shop'), always), 'sampled');
});

test('by chance, none of 0 % and all of 100 % are copied', (t) => {
  for (const at of [0, 0.5, almostOne]) {
    t.is(
      sampled({ fraction: of(0) }, request(), () => at),
      'not_sampled',
    );
    t.is(
      sampled({ fraction: of(100) }, request(), () => at),
      'sampled',
    );
    t.is(
      sampled({ fraction: of(7, 7) }, request(), () => at),
      'sampled',
    );
  }
});

/** R7, as the conformance tests of Gateway API count. */
for (const percent of [1, 20, 35, 50, 99]) {
  test(`by chance, of 500 requests ${percent} % are copied within three deviations`, (t) => {
    const random = seeded(percent);
    const results = Array.from({ length: 500 }, () =>
      sampled({ fraction: of(percent) }, request(), random),
    );

    const count = results.filter((result) => result === 'sampled').length;

    const share = percent / 100;
    const deviation = Math.sqrt(500 * share * (1 - share));
    t.true(Math.abs(count - 500 * share) <= 3 * deviation, `${count} copies`);
  });
}

test('R7: at half, 75 to 125 of 200 are copied, as APISIX counts', (t) => {
  const random = seeded(200);
  const results = Array.from({ length: 200 }, () =>
    sampled({ fraction: of(1, 2) }, request(), random),
  );

  const count = results.filter((result) => result === 'sampled').length;

  t.true(count >= 75 && count <= 125, `${count} copies`);
});

const users = Array.from({ length: 10_000 }, (_, index) => `user-${index}`);
const copiedUsers = (percent: number) =>
  users.filter(
    (user) => sampled({ sampling: byUser(), fraction: of(percent) }, withKey(user)) === 'sampled',
  );

test('by hash, none of 0 % and all of 100 % are copied', (t) => {
  t.is(copiedUsers(0).length, 0);
  t.is(copiedUsers(100).length, users.length);
});

test('R7: by hash, as many users are copied as the fraction says, the same each time', (t) => {
  for (const percent of [1, 20, 35, 50, 99]) {
    const share = percent / 100;
    const deviation = Math.sqrt(users.length * share * (1 - share));
    const copied = copiedUsers(percent);

    t.true(Math.abs(copied.length - users.length * share) <= 3 * deviation, `${copied.length}`);
    t.deepEqual(copiedUsers(percent), copied);
  }
});

test('R7: a larger fraction only adds users', (t) => {
  let before = new Set<string>();
  for (let percent = 0; percent <= 100; percent += 5) {
    const copied = new Set(copiedUsers(percent));

    t.true(before.isSubsetOf(copied), `${percent} %`);
    before = copied;
  }
});

test('the comparison with the fraction is exact, whatever the denominator', (t) => {
  const random = createRandom(53);
  const denominators = [3, 100, 1_000_003, 2 ** 31 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 53 - 1];
  for (const denominator of denominators) {
    const key = `key-${random.below(2 ** 32)}`;
    const hash = BigInt(samplingHash(startHash(''), key));
    // The largest fraction that does not hold the key: one part more does.
    const numerator = Number((hash * BigInt(denominator)) >> 32n);
    const at = (parts: number) =>
      sampled({ sampling: byUser(), fraction: of(parts, denominator) }, withKey(key));

    t.is(at(numerator), 'not_sampled', `${numerator} of ${denominator}`);
    t.is(at(numerator + 1), 'sampled', `${numerator + 1} of ${denominator}`);
  }
});

test('a request without key is skipped, or left to chance', (t) => {
  const half = { fraction: of(50) };
  const skip = { ...half, sampling: byUser() };
  const chance = { ...half, sampling: byUser({ onMissingKey: 'Random' }) };

  t.is(sampled(skip, request()), 'not_sampled');
  t.is(sampled({ ...skip, fraction: of(100) }, withKey('')), 'not_sampled');
  t.is(
    sampled(chance, request(), () => 0.4),
    'sampled',
  );
  t.is(
    sampled(chance, request(), () => 0.5),
    'not_sampled',
  );
});

test('every published vector is what the code says', async (t) => {
  const page = await readFile(join(import.meta.dirname, '../../../docs/sampling.md'), 'utf8');
  const vectors = page.matchAll(/^\| `"(.*)"` \| `"(.*)"` \| `([0-9a-f]{8})` \| (\d+) \|$/gm);

  let compared = 0;
  for (const [, salt = '', key = '', hash = '', percent] of vectors) {
    const from = withKey(toWire(key));
    const at = (numerator: number) =>
      sampled({ sampling: byUser({ salt }), fraction: of(numerator) }, from);
    const found = samplingHash(startHash(toWire(salt)), toWire(key));

    t.is(found.toString(16).padStart(8, '0'), hash, `${salt} ${key}`);
    t.is(at(Number(percent)), 'sampled', `${salt} ${key}`);
    t.is(at(Number(percent) - 1), 'not_sampled', `${salt} ${key}`);
    compared++;
  }
  t.true(compared >= 12);
});
