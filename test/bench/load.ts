import { setTimeout } from 'node:timers/promises';
import { type HttpSocket, openHttpSocket } from './http-socket.ts';
import type { AskedRequest, LoadOptions, LoadResult } from './load-result.ts';

/** `node load.ts OPTIONS-AS-JSON`: a process of its own, so that its CPU is not the proxy's. Prints the result as JSON. */
const options: LoadOptions = JSON.parse(process.argv[2] ?? '{}');
const { port, clients, seconds, tunnelTo, keeps } = options;
/** Whoever has not been answered by then will not be. */
const graceMs = 1000;

const request = bytesOf(options.request);
const tunnelRequest = Buffer.from(`CONNECT ${tunnelTo} HTTP/1.1\r\nHost: ${tunnelTo}\r\n\r\n`);
const latenciesMs: number[] = [];
const waiting = new Set<{ readonly askedMs: number }>();
let errors = 0;
let hangUps = 0;
const startedMs = performance.now();
const endMs = startedMs + seconds * 1000;

await Promise.race([
  Promise.all(Array.from({ length: clients }, askUntilTheEnd)),
  setTimeout(seconds * 1000 + graceMs),
]);
const endedMs = performance.now();
const waitedMs = Array.from(waiting, ({ askedMs }) => endedMs - askedMs);
const result: LoadResult = {
  requests: latenciesMs.length,
  errors,
  hangUps,
  unanswered: waitedMs.length,
  seconds: (endedMs - startedMs) / 1000,
  ...percentiles([...latenciesMs, ...waitedMs]),
};
process.stdout.write(JSON.stringify(result));
process.exit(0);

async function askUntilTheEnd(): Promise<void> {
  let socket: HttpSocket | null = null;
  while (performance.now() < endMs) {
    const wasKept: boolean = socket !== null;
    const asked = { askedMs: performance.now() };
    waiting.add(asked);
    try {
      socket ??= await open();
      const status = await socket.ask(request);
      if (status === 200) latenciesMs.push(performance.now() - asked.askedMs);
      else errors += 1;
    } catch {
      // A proxy may hang up a kept connection as it likes; a client then asks again on a new one.
      if (wasKept) hangUps += 1;
      else errors += 1;
      socket?.destroy();
      socket = null;
    }
    waiting.delete(asked);
    if (!keeps || socket?.isOver) {
      socket?.destroy();
      socket = null;
    }
  }
  socket?.destroy();
}

async function open(): Promise<HttpSocket> {
  const socket = await openHttpSocket(port);
  if (tunnelTo === null) return socket;
  const status = await socket.ask(tunnelRequest, false);
  if (status !== 200) throw new Error(`CONNECT was answered ${status}`);
  return socket;
}

function bytesOf({ method, target, host, bodyBytes }: AskedRequest): Buffer {
  const length = bodyBytes === 0 ? '' : `Content-Length: ${bodyBytes}\r\n`;
  const head = `${method} ${target} HTTP/1.1\r\nHost: ${host}\r\n${length}\r\n`;
  return Buffer.concat([Buffer.from(head), Buffer.alloc(bodyBytes, 'x')]);
}

function percentiles(values: readonly number[]) {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (part: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
  return { p50Ms: at(0.5), p99Ms: at(0.99) };
}
