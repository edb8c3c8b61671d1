import test from 'ava';
import {
  EntryTooLarge,
  LogFull,
  maxEntryBytes,
  NoLongerLeader,
} from '../../event-log/event-log.ts';
import { keyOf, makeEvent, pool } from '../support/events.ts';
import { dataOf, follow, readAll } from '../support/follow-log.ts';
import type { OpenLog } from './event-log.ts';

/** What becomes of what is written, and who may write. */
export function testAppending(name: string, open: OpenLog): void {
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

  test(`${name}: its size grows with what is appended, and it says how far it may`, async (t) => {
    const { log, subjects } = await open(t, { maxBytes: 1024 ** 2 });
    const leader = await log.lead('me');
    const before = await log.size();

    await leader.append([
      { subject: subjects.config(pool, keyOf('a')), event: makeEvent('x'.repeat(1000)) },
    ]);

    const after = await log.size();
    t.is(after.maxBytes, 1024 ** 2);
    t.true(after.bytes >= before.bytes + 1000, `${before.bytes} → ${after.bytes}`);
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
}
