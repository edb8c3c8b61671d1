import test from 'ava';
import { createRandom } from '../../../test/support/random.ts';
import { chooseBackend, compileBackends } from './choose-backend.ts';

const backends = (...weights: readonly number[]) =>
  compileBackends(
    weights.map((weight, index) => ({
      weight,
      origin: {
        scheme: 'http',
        host: `backend-${index}`,
        port: 80,
        service: null,
        protocol: 'HTTP1',
      },
    })),
  );
const chosen = (weights: readonly number[], at: number) =>
  chooseBackend(backends(...weights), at)?.host ?? null;
const almostOne = 1 - Number.EPSILON / 2;

test('each backend gets its share of the numbers from 0 to 1', (t) => {
  const at = [0, 0.2499, 0.25, 0.7499, 0.75, almostOne];

  t.deepEqual(
    at.map((number) => chosen([1, 2, 1], number)),
    ['backend-0', 'backend-0', 'backend-1', 'backend-1', 'backend-2', 'backend-2'],
  );
});

test('a backend of weight 0 gets nothing, wherever it stands', (t) => {
  t.deepEqual(
    [0, 0.5, almostOne].map((at) => chosen([0, 1, 0, 1, 0], at)),
    ['backend-1', 'backend-3', 'backend-3'],
  );
});

test('a single backend gets everything', (t) => {
  t.is(chosen([7], 0), 'backend-0');
  t.is(chosen([7], almostOne), 'backend-0');
});

test('the largest weights lose nobody at either end', (t) => {
  const weights = Array.from({ length: 16 }, () => 1_000_000);

  t.is(chosen(weights, 0), 'backend-0');
  t.is(chosen(weights, almostOne), 'backend-15');
});

test('when no backend has any weight, none is chosen', (t) => {
  t.is(chosen([0, 0], 0), null);
  t.is(chosen([], 0.5), null);
});

test('over many requests, each backend gets what its weight says', (t) => {
  const weights = [90, 9, 1, 0];
  const random = createRandom(20_000);
  const rounds = 20_000;
  const counts = new Map<string | null, number>();
  for (let round = 0; round < rounds; round++) {
    const host = chosen(weights, random.below(2 ** 32) / 2 ** 32);
    counts.set(host, (counts.get(host) ?? 0) + 1);
  }

  for (const [index, weight] of weights.entries()) {
    const share = weight / 100;
    const deviation = Math.sqrt(rounds * share * (1 - share));
    const count = counts.get(`backend-${index}`) ?? 0;
    t.true(Math.abs(count - rounds * share) <= 3 * deviation, `${weight}: ${count}`);
  }
  t.is(counts.get(null), undefined);
});
