import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createSubjects } from '../contracts/subjects.ts';
import { testEventLog } from '../test/contracts/event-log.ts';
import { keyOf, makeEvent, pool } from '../test/support/events.ts';
import { readAll } from '../test/support/follow-log.ts';
import { LogInUse, LogUnavailable } from './event-log.ts';
import { openSqliteEventLog } from './sqlite-event-log.ts';
import { openSqliteEventLogReader } from './sqlite-event-log-reader.ts';

const subjects = createSubjects();
const subject = subjects.config(pool, keyOf('a'));

testEventLog('SQLite', async (t, options = {}) => ({
  log: await openLog(t, await logFile(t), options),
  subjects,
}));

async function logFile(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-log-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return join(folder, 'log.db');
}

async function openLog(t: ExecutionContext, file: string, options: { maxBytes?: number } = {}) {
  const log = await openSqliteEventLog({ file, subjects, ...options });
  t.teardown(() => log[Symbol.asyncDispose]());
  return log;
}

test('a log that is opened again is the same log, and goes on counting', async (t) => {
  const file = await logFile(t);
  const before = await openLog(t, file);
  const first = await before.lead('first');
  const [sequence = 0] = await first.append([{ subject, event: makeEvent('kept') }]);
  await first.purge(subject, sequence);
  await before[Symbol.asyncDispose]();

  const after = await openLog(t, file);
  const second = await after.lead('second');

  t.is(second.logId, first.logId);
  t.false(second.created);
  t.is(second.epoch, sequence + 1);
});

test('a second opening of the same file is refused, until the first one is closed', async (t) => {
  const file = await logFile(t);
  const first = await openLog(t, file);

  await t.throwsAsync(openSqliteEventLog({ file, subjects }), { instanceOf: LogInUse });
  await first[Symbol.asyncDispose]();

  await t.notThrowsAsync(openLog(t, file));
});

test('another process is refused while one holds the log, and kill -9 frees it with all it wrote', async (t) => {
  const file = await logFile(t);
  const script = join(import.meta.dirname, '../test/support/hold-sqlite-log.ts');
  const holder = fork(script, [file], { execArgv: [] });
  t.teardown(() => holder.kill('SIGKILL'));
  await once(holder, 'message');

  await t.throwsAsync(openSqliteEventLog({ file, subjects }), { instanceOf: LogInUse });
  const gone = once(holder, 'exit');
  holder.kill('SIGKILL');
  await gone;

  const log = await openLog(t, file);
  const entries = await readAll(log, [subjects.allConfig]);
  t.deepEqual(
    entries.map(({ event }) => event.data),
    ['written before the kill'],
  );
});

test('a file that is no log is refused', async (t) => {
  const file = await logFile(t);
  await writeFile(file, 'this is no database, and long enough to be looked at as if it were one');

  await t.throwsAsync(openSqliteEventLog({ file, subjects }), { instanceOf: LogUnavailable });
  await t.throwsAsync(openSqliteEventLogReader({ file }), { instanceOf: LogUnavailable });
});

test('a reader follows while the writer writes, and reads history', async (t) => {
  const file = await logFile(t);
  const leader = await (await openLog(t, file)).lead('me');
  await leader.append([{ subject, event: makeEvent(1) }]);
  const reader = await openSqliteEventLogReader({ file });
  t.teardown(() => reader[Symbol.asyncDispose]());
  const stop = new AbortController();
  const updates = reader.follow([subjects.allConfig], stop.signal)[Symbol.asyncIterator]();

  const { value: snapshot } = await updates.next();
  await leader.append([{ subject, event: makeEvent(2) }]);
  const { value: entry } = await updates.next();
  stop.abort();

  t.like(snapshot, { type: 'snapshot', logId: leader.logId, entries: [{ event: { data: 1 } }] });
  t.like(entry, { type: 'entry', entry: { event: { data: 2 } } });
  t.true((await updates.next()).done);
  const history = await Array.fromAsync(reader.history([subject], new AbortController().signal));
  t.deepEqual(
    history.map(({ event }) => event.data),
    [1, 2],
  );
});

test('a reader begins again when the log was removed and made anew', async (t) => {
  const file = await logFile(t);
  const old = await openLog(t, file);
  await (await old.lead('me')).append([{ subject, event: makeEvent('old') }]);
  const reader = await openSqliteEventLogReader({ file });
  t.teardown(() => reader[Symbol.asyncDispose]());
  const stop = new AbortController();
  t.teardown(() => stop.abort());
  const updates = reader.follow([subjects.allConfig], stop.signal)[Symbol.asyncIterator]();
  await updates.next();
  await old[Symbol.asyncDispose]();

  await Promise.all(
    ['', '-wal', '-shm', '.lock'].map((end) => rm(`${file}${end}`, { force: true })),
  );
  const fresh = await openLog(t, file);
  const leader = await fresh.lead('me');
  await leader.append([{ subject, event: makeEvent('new') }]);

  t.like((await updates.next()).value, { type: 'disconnected' });
  t.like((await updates.next()).value, { type: 'snapshot', logId: leader.logId });
});

test('there is nothing to read where no log is', async (t) => {
  const error = await t.throwsAsync(openSqliteEventLogReader({ file: '/nowhere/log.db' }), {
    instanceOf: LogUnavailable,
  });
  t.regex(error.message, /no log at/);
});

test('what was asked before the end is done before the end, and nothing after it', async (t) => {
  const file = await logFile(t);
  const log = await openLog(t, file);
  const leader = await log.lead('me');

  const appended = leader.append([{ subject, event: makeEvent() }]);
  await log[Symbol.asyncDispose]();

  t.is((await appended).length, 1);
  await t.throwsAsync(leader.append([{ subject, event: makeEvent() }]), {
    instanceOf: LogUnavailable,
  });
});

test('a log in memory leaves no file', async (t) => {
  const log = await openLog(t, ':memory:');
  const leader = await log.lead('me');
  await leader.append([{ subject, event: makeEvent() }]);

  t.is((await readAll(log, [subject])).length, 1);
  await t.throwsAsync(readFile(':memory:.lock'), { code: 'ENOENT' });
});
