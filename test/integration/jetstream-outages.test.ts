import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import test, { type ExecutionContext } from 'ava';
import { createSubjects } from '../../contracts/subjects.ts';
import {
  EntryTooLarge,
  LogInUse,
  LogUnavailable,
  NoLongerLeader,
} from '../../event-log/event-log.ts';
import { openJetStreamEventLog } from '../../event-log/jetstream-event-log.ts';
import { keyOf, makeEvent, pool } from '../support/events.ts';
import { follow, readAll } from '../support/follow-log.ts';
import { startNatsServer } from '../support/nats-server.ts';
import { startRelay } from '../support/relay.ts';

const subjects = createSubjects();
const [a, b] = [subjects.config(pool, keyOf('a')), subjects.config(pool, keyOf('b'))];
const timeoutMs = 400;

async function openLog(t: ExecutionContext, port: number) {
  const servers = `nats://127.0.0.1:${port}`;
  const log = await openJetStreamEventLog({ connection: { servers, timeoutMs }, subjects });
  t.teardown(() => log[Symbol.asyncDispose]());
  return log;
}

/** What an administrator could do to the streams. */
async function openManager(t: ExecutionContext, port: number) {
  const nats = await connect({ servers: `nats://127.0.0.1:${port}` });
  t.teardown(() => nats.close());
  return { nats, manager: await jetstreamManager(nats) };
}

test('NATS is killed and restarted: followers say so and start over, the leader goes on', async (t) => {
  const server = await startNatsServer(t);
  const log = await openLog(t, server.port);
  const leader = await log.lead('me');
  const follower = follow(t, log, [subjects.allConfig]);
  await follower.nextOf('snapshot');
  await leader.append([{ subject: a, event: makeEvent('before') }]);
  await follower.nextOf('entry');

  await server.kill();
  await follower.nextOf('disconnected');
  await t.throwsAsync(leader.append([{ subject: b, event: makeEvent('lost') }]), {
    instanceOf: LogUnavailable,
  });
  await server.start();

  const { entries, logId } = await follower.nextOf('snapshot');
  t.is(logId, leader.logId);
  t.deepEqual(entries[0]?.event.data, 'before');
  await leader.append([{ subject: a, event: makeEvent('after') }]);
  const seen = new Set<unknown>();
  while (!seen.has('after')) seen.add((await follower.nextOf('entry')).entry.event.data);
  t.deepEqual(await dataUnder(log, a), ['before', 'after']);
});

test('a follower that starts while there is no log waits for one', async (t) => {
  const server = await startNatsServer(t);
  const log = await openLog(t, server.port);
  const follower = follow(t, log, [subjects.allConfig]);

  const first = await follower.next();
  const leader = await log.lead('me');
  const snapshot = await follower.nextOf('snapshot');

  t.like(first, { type: 'disconnected', problem: 'there is no stream headgate' });
  t.is(snapshot.logId, leader.logId);
});

test('the stream is deleted and made again: its leader ends, nothing is skipped, nothing comes back', async (t) => {
  const server = await startNatsServer(t);
  const log = await openLog(t, server.port);
  const { manager } = await openManager(t, server.port);
  const old = await log.lead('me');
  await old.append([{ subject: a, event: makeEvent('a1') }]);
  const [last = 0] = await old.append([
    { subject: subjects.pool(pool), event: makeEvent('published'), lastOnly: true },
  ]);
  const running = follow(t, log, [subjects.allConfigOf(pool)]);
  await running.nextOf('snapshot');

  await manager.streams.delete(subjects.stream);
  await t.throwsAsync(old.append([{ subject: a, event: makeEvent('late') }]), {
    instanceOf: NoLongerLeader,
  });
  const fresh = await log.lead('me again', last);
  await t.throwsAsync(old.append([{ subject: a, event: makeEvent('later') }]), {
    instanceOf: NoLongerLeader,
  });
  const started = follow(t, log, [subjects.allConfigOf(pool)]);
  const beforeRepublication = await started.nextOf('snapshot');
  const [again = 0] = await fresh.append([{ subject: b, event: makeEvent('b1') }]);
  await fresh.append([
    { subject: subjects.pool(pool), event: makeEvent('republished'), lastOnly: true },
  ]);

  t.true(fresh.created);
  t.not(fresh.logId, old.logId);
  t.true(fresh.epoch > last && again > last);
  t.deepEqual(beforeRepublication.entries, []);
  await running.nextOf('disconnected');
  for (const follower of [running, started]) {
    const seen: unknown[] = [];
    while (!seen.includes('republished')) {
      const update = await follower.next();
      if (update.type === 'snapshot') {
        t.is(update.logId, fresh.logId);
        seen.push(...update.entries.map(({ event }) => event.data));
      }
      if (update.type === 'entry') seen.push(update.entry.event.data);
    }
    t.deepEqual(seen, ['b1', 'republished']);
  }
});

test('an append whose answer is lost is found in the log and not made again', async (t) => {
  const server = await startNatsServer(t);
  const relay = await startRelay(t, server.port);
  const log = await openLog(t, relay.port);
  const witness = follow(t, await openLog(t, server.port), [subjects.allConfig]);
  const leader = await log.lead('me');
  await witness.nextOf('snapshot');
  const entries = [
    { subject: a, event: makeEvent('a1') },
    { subject: b, event: makeEvent('b1') },
  ];

  for (const batch of [entries.slice(0, 1), entries.slice(1), entries.map(renewed)]) {
    relay.dropReplies();
    const appending = leader.append(batch);
    const { entry } = await witness.nextOf('entry');
    relay.cut();

    const [first] = await appending;
    t.is(first, entry.sequence);
    t.deepEqual(await leader.append(batch), await appending);
  }

  t.deepEqual(await dataUnder(log, a), ['a1', 'a1']);
  t.deepEqual(await dataUnder(log, b), ['b1', 'b1']);
});

test('an append that was given up and arrives late stands there once, also when it is repeated', async (t) => {
  const server = await startNatsServer(t);
  const relay = await startRelay(t, server.port);
  const log = await openLog(t, relay.port);
  const leader = await log.lead('me');
  const entry = { subject: a, event: makeEvent('once') };

  relay.holdRequests();
  await t.throwsAsync(leader.append([entry]), { instanceOf: LogUnavailable });
  const repeated = leader.append([entry]);
  relay.releaseRequests();

  const [sequence] = await repeated;
  t.is(sequence, leader.epoch + 1);
  t.deepEqual(await dataUnder(log, a), ['once']);
});

test('a follower that is cut off while entries come misses none of them', async (t) => {
  const server = await startNatsServer(t);
  const relay = await startRelay(t, server.port);
  const leader = await (await openLog(t, server.port)).lead('me');
  const follower = follow(t, await openLog(t, relay.port), [subjects.allConfig]);
  await follower.nextOf('snapshot');

  const newest = new Map<string, unknown>();
  const rounds = 5;
  for (let round = 1; round <= rounds; round += 1) {
    await leader.append([{ subject: a, event: makeEvent(round) }]);
    relay.cut();
    await leader.append([{ subject: b, event: makeEvent(round) }]);
  }
  while (newest.get(a) !== rounds || newest.get(b) !== rounds) {
    const update = await follower.next();
    if (update.type === 'snapshot') {
      newest.clear();
      for (const { subject, event } of update.entries) newest.set(subject, event.data);
    }
    if (update.type === 'entry') newest.set(update.entry.subject, update.entry.event.data);
  }
  t.pass();
});

test('what somebody else writes into the stream does not stop the leader', async (t) => {
  const server = await startNatsServer(t);
  const log = await openLog(t, server.port);
  const leader = await log.lead('me');
  const { nats } = await openManager(t, server.port);

  await nats.request(a, 'not an event');
  await leader.append([{ subject: b, event: makeEvent('b1') }]);
  await nats.request(a, 'nor is this');
  await leader.append([
    { subject: b, event: makeEvent('b2') },
    { subject: a, event: makeEvent('a1') },
  ]);

  t.deepEqual(await dataUnder(log, b), ['b1', 'b2']);
  t.deepEqual(await dataUnder(log, a), ['a1']);
});

test('a log that lost its tail ends the leadership, and the next leader numbers above what was known', async (t) => {
  const server = await startNatsServer(t);
  const log = await openLog(t, server.port);
  const { manager } = await openManager(t, server.port);
  const leader = await log.lead('me');
  const [known = 0] = (await leader.append([{ subject: a, event: makeEvent('a1') }])).slice(-1);
  const { config } = await manager.streams.info(subjects.stream);
  // As a restored backup: the same log, an earlier end.
  await manager.streams.delete(subjects.stream);
  await manager.streams.add({ ...config, first_seq: 1 });

  await t.throwsAsync(leader.append([{ subject: a, event: makeEvent('a2') }]), {
    instanceOf: NoLongerLeader,
  });
  const next = await log.lead('me', known + 10);

  t.is(next.logId, leader.logId);
  t.true(next.epoch > known + 10);
});

test('a server that takes smaller messages refuses an entry at once and by name', async (t) => {
  const server = await startNatsServer(t, 'max_payload: 65536');
  const leader = await (await openLog(t, server.port)).lead('me');

  const error = await t.throwsAsync(
    leader.append([{ subject: a, event: makeEvent('x'.repeat(65_000)) }]),
    { instanceOf: EntryTooLarge },
  );

  t.regex(error.message, /max_payload/);
  await t.notThrowsAsync(leader.append([{ subject: a, event: makeEvent('x'.repeat(60_000)) }]));
});

test('a stream of that name which is not a log is left alone', async (t) => {
  const server = await startNatsServer(t);
  const log = await openLog(t, server.port);
  const { manager } = await openManager(t, server.port);
  await manager.streams.add({ name: subjects.stream, subjects: [a] });

  await t.throwsAsync(log.lead('me'), { instanceOf: LogInUse });

  t.deepEqual((await manager.streams.info(subjects.stream)).config.subjects, [a]);
});

test('without a server the log does not open, and the message shows no password', async (t) => {
  const relay = await startRelay(t, 1);

  const error = await t.throwsAsync(
    openJetStreamEventLog({
      connection: { servers: `nats://ada:lovelace@127.0.0.1:${relay.port}` },
      subjects,
    }),
    { instanceOf: LogUnavailable },
  );

  t.regex(error.message, new RegExp(`127.0.0.1:${relay.port}`));
  t.notRegex(error.message, /lovelace/);
});

test('credentials in the address are used', async (t) => {
  const server = await startNatsServer(t, 'authorization { user: ada, password: "love/lace" }');
  const address = (password: string) => ({
    connection: { servers: `nats://ada:${password}@127.0.0.1:${server.port}` },
    subjects,
  });

  await t.throwsAsync(openJetStreamEventLog(address('wrong')), { instanceOf: LogUnavailable });
  const log = await openJetStreamEventLog(address('love%2Flace'));
  t.teardown(() => log[Symbol.asyncDispose]());

  await t.notThrowsAsync(log.lead('me'));
});

async function dataUnder(log: Awaited<ReturnType<typeof openLog>>, subject: string) {
  return (await readAll(log, [subject])).map(({ event }) => event.data);
}

/** The same as a decision of its own. */
function renewed<T extends { readonly event: ReturnType<typeof makeEvent> }>(entry: T): T {
  return { ...entry, event: makeEvent(entry.event.data) };
}
