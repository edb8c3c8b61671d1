import test from 'ava';
import {
  admission,
  afterFailure,
  afterLostProbe,
  afterSuccess,
  type Breaker,
  packBreaker,
  unpackBreaker,
  untroubled,
} from './circuit-breaker.ts';

const config = { consecutiveFailures: 3, intervalMs: 1000, openForMs: 100, maxOpenForMs: 350 };
const one = { worker: 1, probe: false };
const probe = { worker: 1, probe: true };

/** One failure after the other, at these times. */
const failing = (from: Breaker, ...timesMs: readonly number[]) =>
  timesMs.reduce((breaker, nowMs) => afterFailure(breaker, one, config, nowMs), from);

test('failures in a row open it, and an answer in between begins the row anew', (t) => {
  const two = failing(untroubled, 10, 20);
  t.is(admission(two, config, 20), 'all');

  t.deepEqual(failing(two, 30), { is: 'open', untilMs: 130, doublings: 0 });
  t.is(admission(failing(afterSuccess(two, one), 30, 40), config, 40), 'all');
});

test('a failure that is too old does not count with newer ones', (t) => {
  t.is(failing(untroubled, 0, 500, 1000).is, 'open');
  t.deepEqual(failing(untroubled, 0, 500, 1001), { is: 'closed', failures: 1, sinceMs: 1001 });
});

test('open it lets nothing through until its time is over, then one probe', (t) => {
  const open = failing(untroubled, 0, 0, 0);

  t.is(admission(open, config, 99), 'none');
  t.is(admission(open, config, 100), 'probe');
  t.is(admission({ is: 'probing', worker: 0, doublings: 0 }, config, 1000), 'none');
});

test('each probe that fails keeps it open twice as long, up to the maximum; one that is answered closes it', (t) => {
  let breaker = failing(untroubled, 0, 0, 0);
  const openForMs: number[] = [];
  for (let tries = 0; tries < 40; tries++) {
    const doublings = breaker.is === 'open' ? breaker.doublings : 0;
    breaker = afterFailure({ is: 'probing', worker: 1, doublings }, probe, config, 0);
    if (breaker.is === 'open') openForMs.push(breaker.untilMs);
  }
  t.deepEqual(openForMs.slice(0, 3), [200, 350, 350]);
  t.is(openForMs.at(-1), 350);

  t.is(afterSuccess({ is: 'probing', worker: 1, doublings: 7 }, probe), untroubled);
  t.deepEqual(failing(untroubled, 0, 0, 0), { is: 'open', untilMs: 100, doublings: 0 });
});

test('copies that were sent before it opened change nothing any more', (t) => {
  const open = failing(untroubled, 0, 0, 0);
  const probing: Breaker = { is: 'probing', worker: 1, doublings: 0 };

  t.is(afterSuccess(open, one), open);
  t.is(failing(open, 50), open);
  t.is(afterSuccess(probing, one), probing);
  t.is(failing(probing, 50), probing);
  t.is(afterSuccess(probing, { worker: 2, probe: true }), probing, 'another thread probes');
});

test('after a probe that came to nothing the next copy is one', (t) => {
  const again = afterLostProbe({ is: 'probing', worker: 1, doublings: 2 }, 1);

  t.is(admission(again, config, 1), 'probe');
  t.deepEqual(afterLostProbe({ is: 'probing', worker: 2, doublings: 2 }, 1), {
    is: 'probing',
    worker: 2,
    doublings: 2,
  });
});

test('a clock that was set back keeps it open no longer than its maximum', (t) => {
  const open: Breaker = { is: 'open', untilMs: 1_000_000, doublings: 0 };

  t.is(admission(open, config, 1_000_000 - 350), 'none');
  t.is(admission(open, config, 1_000_000 - 351), 'probe');
});

test('0 failures: it never opens, and one that was open is not any more', (t) => {
  const never = { ...config, consecutiveFailures: 0 };
  const open = failing(untroubled, 0, 0, 0);

  t.is(admission(open, never, 1), 'all');
  t.is(afterFailure(untroubled, one, never, 1), untroubled);
  t.is(afterFailure(open, one, never, 1), untroubled);
});

test('every state fits one word', (t) => {
  const states: readonly Breaker[] = [
    untroubled,
    { is: 'closed', failures: 1, sinceMs: 0 },
    { is: 'closed', failures: 1_048_575, sinceMs: 4_398_046_511_103 },
    { is: 'open', untilMs: 4_398_046_511_103, doublings: 31 },
    { is: 'open', untilMs: 0, doublings: 0 },
    { is: 'probing', worker: 0, doublings: 0 },
    { is: 'probing', worker: 32_767, doublings: 31 },
  ];

  for (const state of states) {
    const word = packBreaker(state);
    t.is(word, BigInt.asUintN(64, word));
    t.deepEqual(unpackBreaker(word), state);
  }
});
