import test from 'ava';
import { createRandom } from '../../../test/support/random.ts';
import { samplingHash, startHash } from './sampling-hash.ts';

const hash = (salt: string, key: string) => samplingHash(startHash(salt), key);

/** How far counts are from equal ones: with `n` bins, about n - 1 ± 3·√(2n) by chance. */
function chiSquare(counts: readonly number[]): number {
  const expected = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

const similar: Readonly<Record<string, (index: number) => string>> = {
  'numbers in a row': String,
  'names with a number at the end': (index) => `user-${String(index).padStart(5, '0')}`,
  'names with a number in front': (index) => `${index}@shop.example`,
  'addresses of one network': (index) => `10.0.${index >> 8}.${index & 255}`,
  'long ids that differ at their end': (index) => `3f0c9a52-8a3e-4a57-9f0e-${index}`,
};

for (const [what, keyOf] of Object.entries(similar)) {
  test(`10,000 ${what} are spread evenly`, (t) => {
    const bins = Array.from({ length: 100 }, () => 0);
    for (let index = 0; index < 10_000; index++) {
      const bin = Math.floor((hash('team-a/shop', keyOf(index)) / 2 ** 32) * 100);
      bins[bin] = (bins[bin] ?? 0) + 1;
    }

    const distance = chiSquare(bins);

    t.true(distance < 99 + 3 * Math.sqrt(200), `chi square ${distance}`);
  });
}

test('another salt makes another choice', (t) => {
  const keys = Array.from({ length: 10_000 }, (_, index) => `user-${index}`);
  const half = (salt: string) => keys.filter((key) => hash(salt, key) < 2 ** 31);
  const one = new Set(half('one'));

  const inBoth = half('two').filter((key) => one.has(key)).length;

  t.true(Math.abs(inBoth - 2500) < 3 * Math.sqrt(10_000 * 0.25 * 0.75), `${inBoth} in both`);
});

test('where the salt ends is part of the hash', (t) => {
  t.not(hash('a', 'bc'), hash('ab', 'c'));
});

test('every byte counts, whatever its value', (t) => {
  const random = createRandom(1);
  const bytes = Array.from({ length: 20 }, () => random.below(256));
  const hashOf = (of: readonly number[]) => hash('', String.fromCharCode(...of));

  for (let at = 0; at < bytes.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const flipped = bytes.with(at, (bytes[at] ?? 0) ^ (1 << bit));
      t.not(hashOf(flipped), hashOf(bytes), `bit ${bit} of byte ${at}`);
    }
  }
});
