import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ProxyError } from '../contracts/errors.ts';
import type { LogLevel } from '../contracts/log-level.ts';
import { createLog, flushed, silentLog } from './log.ts';

async function start(t: ExecutionContext, level?: LogLevel) {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-'));
  const file = join(folder, 'log');
  const fd = openSync(file, 'w');
  t.teardown(async () => {
    closeSync(fd);
    await rm(folder, { recursive: true });
  });
  const log = createLog({ fd, ...(level === undefined ? {} : { level }) });
  return {
    log,
    /** What was logged so far, a value per line. */
    async lines(): Promise<readonly Record<string, unknown>[]> {
      await log.flush();
      const text = await readFile(file, 'utf8');
      return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));
    },
  };
}

test('a line is JSON: a constant message, its fields, a level by name and a time', async (t) => {
  const { log, lines } = await start(t);
  log.info('config served', { resource: 'team-a/egress', sequence: 7 });

  const [line, ...others] = await lines();
  t.like(line, {
    level: 'info',
    message: 'config served',
    resource: 'team-a/egress',
    sequence: 7,
    pid: process.pid,
  });
  t.regex(String(line?.['time']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  t.deepEqual(others, []);
});

test('what a log was made with is on every line of it, and on no other', async (t) => {
  const { log, lines } = await start(t);
  const of = log.with({ resource: 'a/b' }).with({ sequence: 1 });
  of.warn('one', { sequence: 2 });
  of.info('two');
  log.info('three');

  const all = await lines();
  t.like(all[0], { level: 'warn', resource: 'a/b', sequence: 2 });
  t.like(all[1], { resource: 'a/b', sequence: 1 });
  t.false('resource' in (all[2] ?? {}));
});

test('an error comes with its code, its stack and what caused it', async (t) => {
  const { log, lines } = await start(t);
  const cause = new Error('ECONNREFUSED');
  log.error('reload failed', {
    error: new ProxyError('no connection', { code: 'connection_refused', cause }),
  });

  const [line] = await lines();
  t.like(line, {
    level: 'error',
    error: {
      message: 'no connection',
      code: 'connection_refused',
      cause: { message: 'ECONNREFUSED' },
    },
  });
});

test('what is below the level is not written', async (t) => {
  const { log, lines } = await start(t, 'warn');
  log.debug('no');
  log.info('no');
  log.warn('yes');
  log.error('yes');

  t.deepEqual(
    (await lines()).map(({ level }) => level),
    ['warn', 'error'],
  );
});

test('a field cannot end a line, nor take the place of the message', async (t) => {
  const { log, lines } = await start(t);
  log.info('real', { host: 'a"\n{"message":"forged"}' });

  const all = await lines();
  t.is(all.length, 1);
  t.like(all[0], { message: 'real', host: 'a"\n{"message":"forged"}' });
});

test('flushing waits for a write, but not for ever', async (t) => {
  let written = false;
  await flushed({
    flush: (done) =>
      setImmediate(() => {
        written = true;
        done();
      }),
  });
  t.true(written);
  await flushed({ flush: () => undefined });
  t.pass('a reader that stalls keeps nobody');
});

test('a silent log says nothing to anybody', async (t) => {
  silentLog.with({ a: 1 }).error('x');
  await silentLog.flush();
  t.is(silentLog.with({}), silentLog);
});

async function readLines(fd: number, count: number): Promise<void> {
  const buffer = Buffer.alloc(1024 * 1024);
  for (let left = count; left > 0; await new Promise(setImmediate)) {
    left -= buffer.subarray(0, readWaiting(fd, buffer)).filter((byte) => byte === 10).length;
  }
}

/** 0: there is nothing just now. */
function readWaiting(fd: number, buffer: Buffer): number {
  try {
    return readSync(fd, buffer);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') return 0;
    throw error;
  }
}

test('lines that a stalled reader makes us drop are counted', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-'));
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const fd = openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK);
  t.teardown(() => rm(folder, { recursive: true }));
  let dropped = 0;
  const log = createLog({
    fd,
    onDropped(lines) {
      dropped += lines;
    },
  });

  const long = 'x'.repeat(100_000);
  for (let count = 0; count < 100; count += 1) log.info('long', { long });

  // 10 MB, of which 4 MiB may wait.
  t.true(dropped >= 50 && dropped < 100, String(dropped));
  // Closed before all the others are read, the log would write them into whatever another test is
  // given under the same number.
  await readLines(fd, 100 - dropped);
  closeSync(fd);
});
