import test from 'ava';
import { describe, reports, skippedTitles, tally } from '../hack/tally.ts';

const output = `
  ✔ first
  ✘ [fail]: some-file › second Rejected promise returned by test
    ℹ a log line that says ✔ third
  - [skip] third, because there is no Go
  ✔ fourth (1.2s)

  Uncaught exception in some-file.test.ts

  ─

  some-file › second

  Rejected promise returned by test. Reason:

  ─

  1 test failed
  1 test skipped
  1 uncaught exception
`;

test('tests are counted by their lines, and what failed outside of them by the summary', (t) => {
  t.deepEqual(tally(output), { passed: 2, failed: 2, skipped: 1 });
});

test('a run in which all went well has nothing to report but its number', (t) => {
  const good = '\n  ✔ first\n  ✔ second\n  ─\n\n  2 tests passed\n';

  t.deepEqual(tally(good), { passed: 2, failed: 0, skipped: 0 });
  t.is(reports(good), '2 tests passed');
});

test('what failed is shown with its report, without the list of tests', (t) => {
  t.true(reports(output).startsWith('some-file › second'));
  t.false(reports(output).includes('fourth'));
});

test('skipped tests are named, for their titles say why', (t) => {
  t.deepEqual(skippedTitles(output), ['third, because there is no Go']);
});

test('the last line is plain, and mentions skipped tests only where there are some', (t) => {
  t.is(describe({ passed: 5, failed: 0, skipped: 0 }), '5 passed, 0 failed');
  t.is(describe({ passed: 5, failed: 1, skipped: 2 }), '5 passed, 1 failed, 2 skipped');
});
