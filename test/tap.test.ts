import test from 'ava';
import { describe, failures, skippedTitles, tally } from '../hack/tap.ts';

const tap = `TAP version 13
ok 1 - first
# a remark that says ok 2
not ok 2 - second
  ---
    name: AssertionError
    ok: inside of a report
  ...
ok 3 - third, because there is no Go # SKIP
ok 4 - fourth
---tty-stream-chunk-separator
1..4
`;

test('tests are counted by their lines, not by what reports say', (t) => {
  t.deepEqual(tally(tap), { passed: 2, failed: 1, skipped: 1 });
});

test('a failed test is shown with its report and nothing else', (t) => {
  const shown = failures(tap);

  t.true(shown.startsWith('not ok 2 - second'));
  t.true(shown.includes('AssertionError'));
  t.false(shown.includes('third'));
});

test('skipped tests are named, for their titles say why', (t) => {
  t.deepEqual(skippedTitles(tap), ['third, because there is no Go']);
});

test('the last line is plain, and mentions skipped tests only where there are some', (t) => {
  t.is(describe({ passed: 5, failed: 0, skipped: 0 }), '5 passed, 0 failed');
  t.is(describe({ passed: 5, failed: 1, skipped: 2 }), '5 passed, 1 failed, 2 skipped');
});
