import { readFile, writeFile } from 'node:fs/promises';
import test from 'ava';
import { LogFull, LogUnavailable } from '../event-log/event-log.ts';
import { toFailure } from './failures.ts';

test('a disk without room is no bug of ours', async (t) => {
  const full = await t.throwsAsync(writeFile('/dev/full', 'x'));

  t.like(toFailure(full), { exit: 'refused' });
  t.like(toFailure(new LogFull('log.sqlite: database or disk is full')), {
    exit: 'unreachable',
    message: 'log.sqlite: database or disk is full',
  });
});

test('what nobody foresaw is a bug', async (t) => {
  t.is(toFailure(new TypeError('x is not a function')), null);
  t.like(toFailure(new LogUnavailable('no answer')), { exit: 'unreachable' });
  t.like(toFailure(await t.throwsAsync(readFile('/nowhere'))), { exit: 'refused' });
});
