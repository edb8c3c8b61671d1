import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { run } from '../support/run.ts';

const root = join(import.meta.dirname, '../..');
const little = ['--seconds', '0.2', '--clients', '2', '--edits', '4', '--only', 'headgate'];

test('the benchmark measures every work without an error, and the time of an edit', async (t) => {
  const output = await emptyDirectory(t);

  const page = await bench(t, 'forward-proxy', output);

  const rows = page.match(/^\| headgate \|.*\| 0 \|$/gm) ?? [];
  t.is(rows.length, 4, page);
  t.regex(page, /^4 edits of one rule/m);
});

test('no mirror, whatever is the matter with it, makes an error in the benchmark of routes', async (t) => {
  const output = await emptyDirectory(t);
  await copyFile(join(root, 'docs/benchmarks/mirror-route.md'), join(output, 'mirror-route.md'));

  const page = await bench(t, 'mirror-route', output);

  const works = page.match(/^\| headgate \| [1-9]\d* \|.*\| 0 \|$/gm) ?? [];
  t.is(works.length, 5, page);
  const mirrors = page.match(/^\| headgate \| (GET|4 KB POST) \|.*\| 0 \| 0 \|.*\|.*\|$/gm) ?? [];
  t.is(mirrors.length, 8, page);
  t.regex(page, /^How it is measured:$/m, 'what people wrote stays');
});

test('a soak says what is left after each part of it', async (t) => {
  const args = [join(root, 'test/bench/bench.ts'), 'soak', '--requests', '6000'];

  const { code, stdout, stderr } = await run(process.execPath, args);

  t.is(code, 0, stderr);
  const parts = Array.from(stdout.matchAll(/^\| (\d+) \|.*\|$/gm), ([, asked]) => Number(asked));
  t.is(parts.length, 2, stdout);
  t.true((parts[0] ?? 0) >= 5000 && (parts[1] ?? 0) >= 6000, stdout);
});

/** Runs one of the benchmarks; what stands on its page then. */
async function bench(t: ExecutionContext, name: string, output: string): Promise<string> {
  const program = join(root, 'test/bench/bench.ts');
  const { code, stderr } = await run(process.execPath, [
    program,
    name,
    ...little,
    ...['--output', output],
  ]);
  t.is(code, 0, stderr);
  return await readFile(join(output, `${name}.md`), 'utf8');
}

async function emptyDirectory(t: ExecutionContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'headgate-bench-test-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  return directory;
}
