import { randomUUID } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import type { Envelope } from '../../contracts/envelope.ts';
import type { Subjects } from '../../contracts/subjects.ts';
import {
  EntryTooLarge,
  type EventLog,
  type FollowUpdate,
  type LogEntry,
  LogFull,
  maxEntryBytes,
  NoLongerLeader,
} from '../../event-log/event-log.ts';
import { keyOf, makeEvent, pool } from '../support/events.ts';

/** A log nobody has led yet, closed with the test. */
export type OpenLog = (
  t: ExecutionContext,
  options?: { readonly maxBytes?: number },
) => Promise<{
  readonly log: EventLog;
  readonly subjects: Subjects;
}>;

/** The updates of a follower one by one; it ends with the test. */
export function follow(t: ExecutionContext, log: EventLog, subjects: readonly string[]) {
  const stop = new AbortController();
  const updates = log.follow(subjects, stop.signal)[Symbol.asyncIterator]();
  t.teardown(() => stop.abort());

  async function next(): Promise<FollowUpdate> {
    const { done, value } = await updates.next();
    if (done) throw new Error('the follower ended');
    return value;
  }

  async function nextOf<Type extends FollowUpdate['type']>(
    type: Type,
  ): Promise<Extract<FollowUpdate, { type: Type }>> {
    while (true) {
      const update = await next();
      if (isOf(update, type)) return update;
    }
  }

  return { next, nextOf, stop: () => stop.abort(), ended: () => updates.next() };
}

function isOf<Type extends FollowUpdate['type']>(
  update: FollowUpdate,
  type: Type,
): update is Extract<FollowUpdate, { type: Type }> {
  return update.type === type;
}

export async function readAll(log: EventLog, subjects: readonly string[]): Promise<LogEntry[]> {
  return Array.fromAsync(log.history(subjects, new AbortController().signal));
}

const dataOf = (entries: readonly LogEntry[]) => entries.map(({ event }) => event.data);

/** What every event log promises. */
export function testEventLog(name: string, open: OpenLog): void {
  test(`${name}: a leader that was replaced cannot write any more`, async (t) => {
    const { log, subjects } = await open(t);
    const subject = subjects.config(pool, keyOf('a'));
    const old = await log.lead('first');
    const [kept = 0] = await old.append([{ subject, event: makeEvent('old') }]);
    const current = await log.lead('second');

    const late = { subject, event: makeEvent('late') };
    await t.throwsAsync(old.append([late]), { instanceOf: NoLongerLeader });
    await t.throwsAsync(old.append([late, { subject, event: makeEvent() }]), {
      instanceOf: NoLongerLeader,
    });
    await t.throwsAsync(old.purge(subject, kept), { instanceOf: NoLongerLeader });
    await current.append([{ subject, event: makeEvent('new') }]);

    t.true(current.epoch > old.epoch);
    t.deepEqual(dataOf(await readAll(log, [subject])), ['old', 'new']);
  });

  test(`${name}: the first leader makes the log above the floor, the next one finds it`, async (t) => {
    const { log, subjects } = await open(t);

    const first = await log.lead('first', 1000);
    const second = await log.lead('second', 1000);

    t.true(first.created);
    t.is(first.epoch, 1001);
    t.false(second.created);
    t.is(second.epoch, 1002);
    t.is(second.logId, first.logId);
    t.like(dataOf(await readAll(log, [subjects.leader])), [
      { holder: 'first' },
      { holder: 'second' },
    ]);
  });

  test(`${name}: a leader that knows of higher sequences than the log has numbers above them`, async (t) => {
    const { log } = await open(t);
    await log.lead('first');

    const { epoch, created } = await log.lead('second', 50);

    t.is(epoch, 51);
    t.false(created);
  });

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
    const writing = write();
    const end = writing.then((last) => last);
    const followers = Array.from({ length: 4 }, () => collect(t, log, subjects, end));

    for (const { snapshot, tail } of await Promise.all(followers)) {
      const sequences = tail.map(({ sequence }) => sequence);
      const start = Math.max(0, ...snapshot.entries.map(({ sequence }) => sequence));
      const expected = Array.from({ length: (await end) - start }, (_, index) => start + 1 + index);
      t.deepEqual(sequences, expected);
      const inSnapshot = new Set(snapshot.entries.map(({ subject }) => subject));
      t.is(inSnapshot.size, snapshot.entries.length);
    }
  });

  test(`${name}: an entry that keeps only itself replaces what stood under its subject`, async (t) => {
    const { log, subjects } = await open(t);
    const leader = await log.lead('me');
    const subject = subjects.pool(pool);

    await leader.append([{ subject, event: makeEvent(1), lastOnly: true }]);
    await leader.append([
      { subject: subjects.config(pool, keyOf('a')), event: makeEvent('beside') },
      { subject, event: makeEvent(2), lastOnly: true },
    ]);

    t.deepEqual(dataOf(await readAll(log, [subject])), [2]);
  });

  test(`${name}: each subject keeps its last 16 entries`, async (t) => {
    const { log, subjects } = await open(t);
    const leader = await log.lead('me');
    const [busy, idle] = [
      subjects.config(pool, keyOf('busy')),
      subjects.config(pool, keyOf('idle')),
    ];
    await leader.append([{ subject: idle, event: makeEvent('idle') }]);

    for (let version = 1; version <= 20; version += 1) {
      await leader.append([{ subject: busy, event: makeEvent(version) }]);
    }

    const versions = Array.from({ length: 16 }, (_, index) => index + 5);
    t.deepEqual(dataOf(await readAll(log, [busy])), versions);
    t.deepEqual(dataOf(await readAll(log, [idle])), ['idle']);
  });

  test(`${name}: a purge takes a removed resource away, and leaves one that came back`, async (t) => {
    const { log, subjects } = await open(t);
    const leader = await log.lead('me');
    const [gone, back] = [
      subjects.config(pool, keyOf('gone')),
      subjects.config(pool, keyOf('back')),
    ];
    const configure = (subject: string) => leader.append([{ subject, event: makeEvent('on') }]);
    const remove = (subject: string) => leader.append([{ subject, event: makeEvent('off') }]);
    await configure(gone);
    await configure(back);
    const [goneAt = 0] = await remove(gone);
    const [backAt = 0] = await remove(back);
    await leader.append([{ subject: back, event: makeEvent('again') }]);

    await leader.purge(gone, goneAt);
    await leader.purge(back, backAt);

    const follower = follow(t, log, [subjects.allConfig]);
    t.deepEqual(dataOf((await follower.nextOf('snapshot')).entries), ['again']);
    t.deepEqual(dataOf(await readAll(log, [subjects.allConfig])), ['again']);
    t.is((await configure(gone)).length, 1);
  });

  test(`${name}: a purge up to 0 removes nothing, and tells who leads no more`, async (t) => {
    const { log, subjects } = await open(t);
    const subject = subjects.config(pool, keyOf('a'));
    const old = await log.lead('first');
    await old.append([{ subject, event: makeEvent('kept') }]);

    await old.purge(subject, 0);
    const current = await log.lead('second');
    await current.purge(subject, 0);

    await t.throwsAsync(old.purge(subject, 0), { instanceOf: NoLongerLeader });
    t.deepEqual(dataOf(await readAll(log, [subject])), ['kept']);
  });

  test(`${name}: an entry above the limit is refused, and one at the limit is not`, async (t) => {
    const { log, subjects } = await open(t);
    const leader = await log.lead('me');
    const subject = subjects.config(pool, keyOf('a'));
    const bare = Buffer.byteLength(
      JSON.stringify({ specversion: '1.0', ...makeEvent(''), datacontenttype: 'application/json' }),
    );
    const fits = makeEvent('x'.repeat(maxEntryBytes - bare));
    const tooLarge = makeEvent('x'.repeat(maxEntryBytes - bare + 1));

    await t.throwsAsync(
      leader.append([
        { subject, event: makeEvent() },
        { subject, event: tooLarge },
      ]),
      { instanceOf: EntryTooLarge },
    );
    await leader.append([{ subject, event: fits }]);

    t.is((await readAll(log, [subject])).length, 1);
  });

  test(`${name}: a full log refuses what is new and forgets nothing`, async (t) => {
    const { log, subjects } = await open(t, { maxBytes: 200_000 });
    const leader = await log.lead('me');
    const subject = (index: number) => subjects.config(pool, keyOf(`n${index}`));
    const large = () => makeEvent('x'.repeat(50_000));
    const kept = [1, 2, 3].map((index) => ({ subject: subject(index), event: large() }));
    await leader.append(kept);

    const more = [4, 5].map((index) => ({ subject: subject(index), event: large() }));
    await t.throwsAsync(leader.append(more), { instanceOf: LogFull });
    await t.throwsAsync(
      leader.append([{ subject: subject(6), event: makeEvent('x'.repeat(150_000)) }]),
      { instanceOf: LogFull },
    );
    await leader.append([{ subject: subject(7), event: makeEvent('small') }]);

    t.deepEqual(
      (await readAll(log, [subjects.allConfig])).map((entry) => entry.subject),
      [1, 2, 3, 7].map(subject),
    );
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

  test(`${name}: an append that is repeated with the same ids appends once`, async (t) => {
    const { log, subjects } = await open(t);
    const leader = await log.lead('me');
    const entries = ['a', 'b'].map((resource) => ({
      subject: subjects.config(pool, keyOf(resource)),
      event: makeEvent(resource),
    }));

    const first = await leader.append(entries);
    const second = await leader.append(entries);

    t.deepEqual(second, first);
    t.deepEqual(dataOf(await readAll(log, [subjects.allConfig])), ['a', 'b']);
  });

  test(`${name}: appends made together land one after the other`, async (t) => {
    const { log, subjects } = await open(t);
    const leader = await log.lead('me');
    const appends = Array.from({ length: 50 }, (_, index) =>
      leader.append([
        { subject: subjects.config(pool, keyOf(`a${index}`)), event: makeEvent(index) },
        { subject: subjects.config(pool, keyOf(`b${index}`)), event: makeEvent(index) },
      ]),
    );

    const sequences = (await Promise.all(appends)).flat();

    const first = leader.epoch + 1;
    t.deepEqual(
      sequences,
      sequences.map((_, index) => first + index),
    );
  });

  test(`${name}: an entry is forgotten when its time is over`, async (t) => {
    const { log, subjects } = await open(t);
    const leader = await log.lead('me');
    const subject = subjects.journal(pool, keyOf('a'));

    await leader.append([{ subject, event: makeEvent('short'), ttlSeconds: 1 }]);
    t.is((await readAll(log, [subject])).length, 1);

    // Only the clock makes an entry expire; the loop ends as soon as it has.
    let kept = await readAll(log, [subject]);
    while (kept.length > 0) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      kept = await readAll(log, [subject]);
    }
    t.pass();
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
