import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { run } from '../support/run.ts';

const quickstart = join(import.meta.dirname, '../../hack/quickstart');

test('hack/quickstart ends in a working proxy, and every line it prints works', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'headgate-quickstart-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));

  const { code, stdout, stderr } = await run(quickstart, ['--check', '--directory', directory]);

  t.is(code, 0, `${stdout}${stderr}`);
  t.regex(stdout, /^ready$/m);
  const tried = stdout.match(/^# /gm) ?? [];
  const worked = stdout.match(/^works: /gm) ?? [];
  t.true(tried.length >= 9);
  t.is(worked.length, tried.length);
});
