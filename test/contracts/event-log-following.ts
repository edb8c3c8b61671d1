import { randomUUID } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import type { Envelope } from '../../contracts/envelope.ts';
import type { Subjects } from '../../contracts/subjects.ts';
import type { EventLog, LogEntry } from '../../event-log/event-log.ts';
import { keyOf, makeEvent, pool } from '../support/events.ts';
import { dataOf, follow, readAll } from '../support/follow-log.ts';
import type { OpenLog } from './event-log.ts';

/** What readers get: snapshots, what follows them, and history. */
export function testFollowing(name: string, open: OpenLog): void {
  test(`${name}: a follower gets the last entry of each subject and then all later ones`, async (t) => {
    const { log, subjects } = await open(t);
    const leader = await log.lead('me');
    const [a, b] = [subjects.config(pool, keyOf('a')), subjects.config(pool, keyOf('b'))];
    await leader.append([{ subject: a, event: makeEvent('a1') }]);
    await leader.append([{ subject: b, event: makeEvent('b1') }]);
    const [last = 0] = await leader.append([{ subject: a, event: makeEvent('a2') }]);
    await leader.append([{ subject: subjects.journal(pool, keyOf('a')), event: makeEvent('j') }]);

    const follower = follow(t, log, [subjects.allConfigOf(pool)]);
    const snapshot = await follower.nextOf('snapshot');
    const [next = 0] = await leader.append([{ subject: b, event: makeEvent('b2') }]);
    const { entry, logId } = await follower.nextOf('entry');

    t.deepEqual(dataOf(snapshot.entries), ['b1', 'a2']);
    t.is(snapshot.logId, leader.logId);
    t.is(snapshot.sequence, last + 1);
    t.is(logId, leader.logId);
    t.like(entry, { sequence: next, subject: b, event: { data: 'b2' } });
  });

  test(`${name}: a follower of an empty log gets an empty snapshot`, async (t) => {
    const { log, subjects } = await open(t);
    const { epoch } = await log.lead('me');

    const follower = follow(t, log, [subjects.allConfigOf(pool)]);

    t.like(await follower.nextOf('snapshot'), { entries: [], sequence: epoch });
  });

  test(`${name}: a follower sees only the subjects it asked for`, async (t) => {
    const { log, subjects } = await open(t);
    const leader = await log.lead('me');
    const wanted = subjects.config(pool, keyOf('a'));
    await leader.append([
      { subject: subjects.config('edge-2', keyOf('a')), event: makeEvent('other pool') },
      { subject: wanted, event: makeEvent('a1') },
    ]);

    const follower = follow(t, log, [subjects.allConfigOf(pool), subjects.leader]);
    const { entries } = await follower.nextOf('snapshot');
    await leader.append([
      { subject: subjects.config('edge-2', keyOf('a')), event: makeEvent('other pool') },
      { subject: wanted, event: makeEvent('a2') },
    ]);

    t.deepEqual(
      entries.map(({ subject }) => subject),
      [subjects.leader, wanted],
    );
    t.is((await follower.nextOf('entry')).entry.event.data, 'a2');
  });

  test(`${name}: followers that start while entries are appended miss none and get none twice`, async (t) => {
    const { log, subjects } = await open(t);
    const leader = await log.lead('me');
    const appended = 300;
    const names = Array.from({ length: 7 }, (_, index) =>
      subjects.config(pool, keyOf(`n${index}`)),
    );

    const write = async () => {
      let last = 0;
      for (let index = 0; index < appended; index += 1) {
        const subject = names[index % names.length] ?? '';
        [last = 0] = await leader.append([{ subject, event: makeEvent(index) }]);
      }
      return last;
    };
    const end = write();
    const followers = Array.from({ length: 4 }, () => collect(t, log, subjects, end));

    for (const { snapshot, tail } of await Promise.all(followers)) {
      const sequences = tail.map(({ sequence }) => sequence);
      // The snapshot is empty if it was taken before the first append: then the term stands alone.
      const start = Math.max(leader.epoch, ...snapshot.entries.map(({ sequence }) => sequence));
      const expected = Array.from({ length: (await end) - start }, (_, index) => start + 1 + index);
      t.deepEqual(sequences, expected);
      const inSnapshot = new Set(snapshot.entries.map(({ subject }) => subject));
      t.is(inSnapshot.size, snapshot.entries.length);
    }
  });

  test(`${name}: history is everything kept under the subjects, in order`, async (t) => {
    const { log, subjects } = await open(t);
    const leader = await log.lead('me');
    const [config, journal] = [
      subjects.config(pool, keyOf('a')),
      subjects.journal(pool, keyOf('a')),
    ];
    await leader.append([{ subject: config, event: makeEvent(1) }]);
    await leader.append([{ subject: journal, event: makeEvent(2), ttlSeconds: 3600 }]);
    await leader.append([{ subject: config, event: makeEvent(3) }]);

    t.deepEqual(dataOf(await readAll(log, [subjects.allConfig, subjects.allJournal])), [1, 2, 3]);
    t.deepEqual(dataOf(await readAll(log, [journal])), [2]);
    t.deepEqual(await readAll(log, [subjects.status(pool, keyOf('a'))]), []);
  });

  test(`${name}: history is read whole when it is long`, async (t) => {
    const { log, subjects } = await open(t);
    const leader = await log.lead('me');
    for (let batch = 0; batch < 3; batch += 1) {
      const entries = Array.from({ length: 400 }, (_, index) => ({
        subject: subjects.config(pool, keyOf(`n${batch}-${index}`)),
        event: makeEvent(),
      }));
      await leader.append(entries);
    }

    const sequences = (await readAll(log, [subjects.allConfig])).map(({ sequence }) => sequence);

    t.is(new Set(sequences).size, 1200);
    t.deepEqual(
      sequences,
      sequences.toSorted((one, other) => one - other),
    );
  });

  test(`${name}: an entry that nobody can read is named, and stops nothing`, async (t) => {
    const { log, subjects } = await open(t);
    const leader = await log.lead('me');
    const [bad, good] = [subjects.config(pool, keyOf('bad')), subjects.config(pool, keyOf('good'))];
    // Written by something that does not know what an event is.
    const notAnEvent = { ...makeEvent(), time: null } as unknown as Envelope;
    const [badAt] = await leader.append([{ subject: bad, event: notAnEvent }]);
    await leader.append([{ subject: good, event: makeEvent('good') }]);

    const follower = follow(t, log, [subjects.allConfig]);
    const first = await follower.next();
    const second = await follower.next();
    await leader.append([{ subject: bad, event: { ...notAnEvent, id: randomUUID() } }]);
    const third = await follower.next();

    t.like(first, { type: 'malformed', sequence: badAt, subject: bad });
    t.true(second.type === 'snapshot' && second.entries.length === 1);
    t.like(third, { type: 'malformed', subject: bad });
    t.deepEqual(dataOf(await readAll(log, [subjects.allConfig])), ['good']);
  });

  test(`${name}: a follower ends with its signal, and with its log`, async (t) => {
    const { log, subjects } = await open(t);
    await log.lead('me');
    const stopped = follow(t, log, [subjects.allConfig]);
    const closed = follow(t, log, [subjects.allConfig]);
    await stopped.nextOf('snapshot');
    await closed.nextOf('snapshot');

    const ends = [stopped.ended(), closed.ended()];
    stopped.stop();
    await log[Symbol.asyncDispose]();

    t.like(await Promise.all(ends), [{ done: true }, { done: true }]);
  });

  test(`${name}: a reader that stopped midway and starts over finds what it missed`, async (t) => {
    const { log, subjects } = await open(t);
    const leader = await log.lead('me');
    const [a, b] = [subjects.config(pool, keyOf('a')), subjects.config(pool, keyOf('b'))];
    await leader.append([{ subject: a, event: makeEvent('a1') }]);
    const first = follow(t, log, [subjects.allConfig]);
    await first.nextOf('snapshot');
    await leader.append([{ subject: b, event: makeEvent('b1') }]);
    await first.nextOf('entry');
    first.stop();
    await leader.append([{ subject: a, event: makeEvent('a2') }]);

    const again = await follow(t, log, [subjects.allConfig]).nextOf('snapshot');

    t.deepEqual(dataOf(again.entries), ['b1', 'a2']);
  });
}

/** A snapshot and what follows it up to a sequence that is known later. */
async function collect(
  t: ExecutionContext,
  log: EventLog,
  subjects: Subjects,
  end: Promise<number>,
) {
  const follower = follow(t, log, [subjects.allConfig]);
  const snapshot = await follower.nextOf('snapshot');
  const tail: LogEntry[] = [];
  const last = await end;
  while ((tail.at(-1)?.sequence ?? snapshot.entries.at(-1)?.sequence ?? 0) < last) {
    tail.push((await follower.nextOf('entry')).entry);
  }
  return { snapshot, tail };
}
