/** What a run of tests came to. */
export type Tally = { readonly passed: number; readonly failed: number; readonly skipped: number };

export const noTests: Tally = { passed: 0, failed: 0, skipped: 0 };

export function add(a: Tally, b: Tally): Tally {
  return {
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
  };
}

/** `3 passed, 0 failed`, and what was skipped if anything was. */
export function describe({ passed, failed, skipped }: Tally): string {
  const base = `${passed} passed, ${failed} failed`;
  return skipped === 0 ? base : `${base}, ${skipped} skipped`;
}

/**
 * Counts what ava prints, without colours. (Its TAP is not used: some failures crash that reporter.)
 * What failed outside of a test, such as an exception after its end, is a failure of its own.
 */
export function tally(output: string): Tally {
  const { tests, summary } = parts(output);
  const count = (pattern: RegExp) => tests.match(pattern)?.length ?? 0;
  const outside = Array.from(summary.matchAll(failedOutside), ([, number]) => Number(number));
  return {
    passed: count(/^\s*[✔√] /gm),
    failed: count(/^\s*[✘✖×] \[(?:fail|unexpected pass)\]: /gm) + sum(outside),
    skipped: count(/^\s*- \[(?:skip|todo)\] /gm),
  };
}

/** Everything said after the list of tests: the reports of what failed. */
export function reports(output: string): string {
  return parts(output).rest;
}

/** Titles of the skipped tests: they say why. */
export function skippedTitles(output: string): string[] {
  return Array.from(output.matchAll(/^\s*- \[skip\] (.*)$/gm), ([, title = '']) => title);
}

const failedOutside =
  /^\s*(\d+) (?:uncaught exceptions?|unhandled rejections?|tests? remained pending after a timeout)$/gm;

/** ava draws a line under the list of tests, and one more above the summary where something failed. */
function parts(output: string) {
  const [tests = '', ...rest] = output.split(/^\s*[─-]$/m);
  return { tests, rest: rest.join('\n').trim(), summary: rest.at(-1) ?? '' };
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
