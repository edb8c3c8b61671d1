import { readdir } from 'node:fs/promises';
import { testWorkers } from './environment.ts';
import type { HeadgateUp } from './headgate-up.ts';

/** Descriptors a process has open, as Linux counts them. */
export async function descriptorsOf({ pid }: Pick<HeadgateUp, 'pid'>): Promise<number> {
  return (await readdir(`/proc/${pid}/fd`)).length;
}

/** Waits until a process has no more descriptors than that: sockets close a little after their ends were seen. */
export async function untilDescriptors(up: HeadgateUp, atMost: number): Promise<void> {
  for (let looks = 0; (await descriptorsOf(up)) > atMost; looks += 1) {
    if (looks > 10_000) throw new Error(`${await descriptorsOf(up)} descriptors, not ${atMost}`);
    await up.metrics();
  }
}

/** To be preloaded: on SIGUSR2 each serving thread collects its garbage and says what is left. */
export const weighing = `
  import { setFlagsFromString } from 'node:v8';
  import { runInNewContext } from 'node:vm';
  import { BroadcastChannel, isMainThread, workerData } from 'node:worker_threads';
  const channel = new BroadcastChannel('weigh');
  channel.unref();
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc');
  if (isMainThread) process.on('SIGUSR2', () => channel.postMessage('now'));
  else if (workerData?.resolvConf !== undefined) channel.onmessage = () => {
    for (let turn = 0; turn < 4; turn += 1) collect();
    const { heapUsed, external } = process.memoryUsage();
    process.stderr.write('heap of thread ' + workerData.worker + ': ' + (heapUsed + external) + '\\n');
  };
`;

/** Bytes the serving threads hold, garbage left out; `up` was started with {@link weighing}. */
export async function heapOf(up: HeadgateUp): Promise<number> {
  const from = up.stderr.all.length;
  process.kill(up.pid, 'SIGUSR2');
  let sum = 0;
  for (let worker = 0; worker < testWorkers; worker += 1) {
    const of = `heap of thread ${worker}: `;
    sum += Number((await up.stderr.next((line) => line.startsWith(of), from)).slice(of.length));
  }
  return sum;
}
