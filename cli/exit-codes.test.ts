import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { exitCodes } from './exit-codes.ts';

const page = await readFile(join(import.meta.dirname, '../docs/cli.md'), 'utf8');

test('docs/cli.md lists the exit codes as they are', (t) => {
  const [, table = ''] = page.split('## Exit codes');
  const rows = table.split('\n').filter((line) => /^\| \d/.test(line));

  t.deepEqual(
    rows,
    Object.values(exitCodes).map(({ code, meaning }) => `| ${code} | ${meaning} |`),
  );
});
