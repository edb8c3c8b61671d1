import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { run } from '../support/run.ts';

const bench = join(import.meta.dirname, '../bench/bench.ts');

test('the benchmark measures every work without an error, and the time of an edit', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'headgate-bench-test-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  const output = join(directory, 'page.md');
  const little = ['--seconds', '0.2', '--clients', '2', '--edits', '4', '--only', 'headgate'];

  const { code, stderr } = await run(process.execPath, [bench, ...little, '--output', output]);

  t.is(code, 0, stderr);
  const page = await readFile(output, 'utf8');
  const rows = page.match(/^\| headgate \|.*\| 0 \|$/gm) ?? [];
  t.is(rows.length, 4, page);
  t.regex(page, /^4 edits of one rule/m);
});
