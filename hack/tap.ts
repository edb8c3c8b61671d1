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

/** Counts the test lines of TAP 13 (https://testanything.org); indented ones belong to a test above them. */
export function tally(tap: string): Tally {
  let result = noTests;
  for (const line of tap.split('\n')) result = add(result, tallyOfLine(line));
  return result;
}

function tallyOfLine(line: string): Tally {
  const [, not, directive] = /^(not )?ok\b(?:.*# *(SKIP|TODO))?/i.exec(line) ?? [];
  if (!/^(not )?ok\b/.test(line)) return noTests;
  if (directive !== undefined) return { ...noTests, skipped: 1 };
  return not === undefined ? { ...noTests, passed: 1 } : { ...noTests, failed: 1 };
}

/** The failed tests with all that is said about them, up to the next test. */
export function failures(tap: string): string {
  const shown: string[] = [];
  let isShown = false;
  for (const line of tap.split('\n')) {
    if (/^(not )?ok\b/.test(line)) isShown = line.startsWith('not') && !/# *TODO/i.test(line);
    if (isShown) shown.push(line);
  }
  return shown.join('\n');
}

/** Titles of the skipped tests: they say why. */
export function skippedTitles(tap: string): string[] {
  return Array.from(tap.matchAll(/^ok \d+ - (.*?) *# *SKIP/gim), ([, title = '']) => title);
}
