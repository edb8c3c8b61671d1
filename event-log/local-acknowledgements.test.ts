import test from 'ava';
import type { Acknowledgement } from '../contracts/acknowledgement.ts';
import { createLocalAcknowledgements } from './local-acknowledgements.ts';

const acknowledgement = (instance: string, applied: number): Acknowledgement => ({
  instance,
  pool: 'edge',
  logId: 'log-1',
  applied,
  digest: '',
  refusals: [],
  refusalCount: 0,
  eventTypes: [],
  keyIds: [],
  draining: false,
});

test('a watcher hears the last word of each pod, then every new one, and ends with its signal', async (t) => {
  const acknowledgements = createLocalAcknowledgements();
  const stop = new AbortController();
  await acknowledgements.send(acknowledgement('a', 1));
  await acknowledgements.send(acknowledgement('a', 2));
  await acknowledgements.send(acknowledgement('b', 1));

  const heard: string[] = [];
  for await (const { instance, applied } of acknowledgements.watch(stop.signal)) {
    heard.push(`${instance}${applied}`);
    if (heard.length === 2) await acknowledgements.send(acknowledgement('a', 3));
    if (heard.length === 3) stop.abort();
  }

  t.deepEqual(heard, ['a2', 'b1', 'a3']);
});

test('the last words can be asked for once', async (t) => {
  const acknowledgements = createLocalAcknowledgements();
  await acknowledgements.send(acknowledgement('a', 1));
  await acknowledgements.send(acknowledgement('a', 2));

  const latest = await acknowledgements.latest(new AbortController().signal);

  t.deepEqual(latest, [acknowledgement('a', 2)]);
});
