import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import test, { type ExecutionContext } from 'ava';
import { type Ip, ipOfBytes, parseIp } from '../protocols/ip-address.ts';
import { clientCountsMemory, openClientCounts, reclaimClientCounts } from './client-counts.ts';

const seed = 4711;
const client = (n: number): Ip => ipOfBytes(Uint8Array.of(10, n >> 16, (n >> 8) & 0xff, n & 0xff));
const ip = (text: string): Ip => parseIp(text) ?? client(0);
const single = () => openClientCounts(clientCountsMemory(1), { worker: 0, workers: 1, seed });

test('each client has places of its own', (t) => {
  const counts = single();

  t.true(counts.take('connections', client(1), 1));
  t.false(counts.take('connections', client(1), 1));
  t.true(counts.take('connections', client(2), 1));
  t.true(counts.take('tunnels', client(1), 1), 'and of each thing');

  counts.give('connections', client(1));
  t.true(counts.take('connections', client(1), 1));
});

test('a client is its address, however it is spelled', (t) => {
  const counts = single();
  counts.take('connections', ip('10.0.0.1'), 1);
  counts.take('connections', ip('2001:db8::1'), 1);

  t.false(counts.take('connections', ip('::ffff:10.0.0.1'), 1));
  t.false(counts.take('connections', ip('2001:DB8:0::1'), 1));
  t.true(counts.take('connections', ip('2001:db8::2'), 1));
});

test('without a limit everything is counted, for a limit that comes later', (t) => {
  const counts = single();
  for (let taken = 0; taken < 3; taken++) t.true(counts.take('tunnels', client(1), 0));

  t.false(counts.take('tunnels', client(1), 3));
  counts.give('tunnels', client(1));
  t.true(counts.take('tunnels', client(1), 3));
});

test('all threads count together', (t) => {
  const memory = clientCountsMemory(2);
  const one = openClientCounts(memory, { worker: 0, workers: 2, seed });
  const two = openClientCounts(memory, { worker: 1, workers: 2, seed });

  t.true(one.take('connections', client(1), 2));
  t.true(two.take('connections', client(1), 2));
  t.false(one.take('connections', client(1), 2));
});

test('giving what was never taken changes nothing', (t) => {
  const counts = single();
  counts.give('connections', client(1));
  counts.give('tunnels', client(1));

  t.true(counts.take('connections', client(1), 1));
  t.false(counts.take('connections', client(1), 1));
});

test('a full table refuses clients it cannot count, and has room again when others leave', (t) => {
  const counts = single();
  const taken: Ip[] = [];
  const refused: Ip[] = [];
  for (let n = 0; n < 20_000; n++) {
    (counts.take('connections', client(n), 0) ? taken : refused).push(client(n));
  }
  t.true(refused.length > 20_000 - 256 * 64 - 1);
  t.true(taken.length > 10_000, `${taken.length} clients had room`);

  for (const each of refused) counts.give('connections', each);
  t.true(
    taken.every((each) => !counts.take('connections', each, 1)),
    'nobody else lost a count',
  );
  for (const each of taken) counts.give('connections', each);

  t.true(refused.every((each) => counts.take('connections', each, 1)));
});

test('what a dead thread held can be taken again, what others hold cannot', (t) => {
  const memory = clientCountsMemory(2);
  const one = openClientCounts(memory, { worker: 0, workers: 2, seed });
  const two = openClientCounts(memory, { worker: 1, workers: 2, seed });
  for (let taken = 0; taken < 3; taken++) one.take('connections', client(1), 0);
  one.take('tunnels', client(1), 0);
  two.take('connections', client(1), 0);
  two.take('connections', client(2), 0);

  reclaimClientCounts(memory, 2, 0);

  t.deepEqual(
    [1, 2].map(() => two.take('connections', client(1), 2)),
    [true, false],
  );
  t.true(two.take('tunnels', client(1), 1));
  t.false(two.take('connections', client(2), 1));
});

const module = join(import.meta.dirname, 'client-counts.ts');
const addresses = join(import.meta.dirname, '../protocols/ip-address.ts');
const program = `
  import { workerData, parentPort } from 'node:worker_threads';
  const { openClientCounts } = await import(${JSON.stringify(module)});
  const { ipOfBytes } = await import(${JSON.stringify(addresses)});
  const { memory, place, rounds, clients } = workerData;
  const counts = openClientCounts(memory, place);
  const ips = clients.map(ipOfBytes);
  parentPort.postMessage('started');
  for (let round = 0; round < rounds; round++)
    for (const ip of ips) {
      counts.take('connections', ip, 0);
      counts.give('connections', ip);
    }
  parentPort.postMessage('done');
`;

/** A thread that takes and gives places of the same clients as all others. */
function count(t: ExecutionContext, workerData: Readonly<Record<string, unknown>>): Worker {
  const worker = new Worker(program, { eval: true, execArgv: ['--input-type=module'], workerData });
  t.teardown(() => worker.terminate());
  return worker;
}

const bytesOf = (n: number) => Uint8Array.of(10, n >> 16, (n >> 8) & 0xff, n & 0xff);

test('threads that count at the same time lose nothing, nor does who gives back for a dead one', async (t) => {
  const workers = 3;
  const memory = clientCountsMemory(workers);
  const clients = [1, 2, 3].map(bytesOf);
  const threads = [0, 1].map((worker) =>
    count(t, { memory, place: { worker, workers, seed }, rounds: 100_000, clients }),
  );
  let busy = threads.length;
  const dones = threads.map(async (thread) => {
    await once(thread, 'message');
    await once(thread, 'message');
    busy--;
  });
  while (busy > 0) {
    reclaimClientCounts(memory, workers, 2);
    await new Promise(setImmediate);
  }
  await Promise.all(dones);

  const counts = openClientCounts(memory, { worker: 2, workers, seed });
  for (const n of [1, 2, 3]) t.true(counts.take('connections', client(n), 1));
});

test('a thread that dies while it counts leaves nothing locked', async (t) => {
  const memory = clientCountsMemory(2);
  const mine = openClientCounts(memory, { worker: 1, workers: 2, seed });
  // Long searches: it dies while it holds a lock, as often as not.
  const many = Array.from({ length: 5000 }, (_, n) => n);
  for (const n of many) mine.take('connections', client(n), 0);

  for (let deaths = 0; deaths < 4; deaths++) {
    const thread = count(t, {
      memory,
      place: { worker: 0, workers: 2, seed },
      rounds: Number.MAX_SAFE_INTEGER,
      clients: many.map(bytesOf),
    });
    await once(thread, 'message');
    await thread.terminate();
    reclaimClientCounts(memory, 2, 0);
  }

  t.true(many.every((n) => !mine.take('connections', client(n), 1)));
  for (const n of many) mine.give('connections', client(n));
  t.true(many.every((n) => mine.take('connections', client(n), 1)));
});
