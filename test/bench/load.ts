import { type HttpSocket, openHttpSocket } from './http-socket.ts';
import { type LoadOptions, type LoadResult, postBytes, type WorkName } from './work.ts';

/** `node load.ts OPTIONS-AS-JSON`: a process of its own, so that its CPU is not the proxy's. Prints the result as JSON. */
const options: LoadOptions = JSON.parse(process.argv[2] ?? '{}');
const { work, proxyPort, originPort, clients, seconds } = options;
const authority = `127.0.0.1:${originPort}`;

const connectRequest = Buffer.from(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
const requests: Readonly<Record<WorkName, Buffer>> = {
  'tunnel-post': Buffer.concat([
    Buffer.from(
      `POST /post HTTP/1.1\r\nHost: ${authority}\r\nContent-Length: ${postBytes}\r\n\r\n`,
    ),
    Buffer.alloc(postBytes, 'x'),
  ]),
  'tunnel-get': Buffer.from(`GET /get HTTP/1.1\r\nHost: ${authority}\r\n\r\n`),
  'connect-get': Buffer.from(`GET /get HTTP/1.1\r\nHost: ${authority}\r\n\r\n`),
  'forward-get': Buffer.from(`GET http://${authority}/get HTTP/1.1\r\nHost: ${authority}\r\n\r\n`),
};

const request = requests[work];
const latenciesMs: number[] = [];
let errors = 0;
const startedMs = performance.now();
const endMs = startedMs + seconds * 1000;
await Promise.all(Array.from({ length: clients }, askUntilTheEnd));
const result: LoadResult = {
  requests: latenciesMs.length,
  errors,
  seconds: (performance.now() - startedMs) / 1000,
  ...percentiles(latenciesMs),
};
process.stdout.write(JSON.stringify(result));
process.exit(0);

async function askUntilTheEnd(): Promise<void> {
  let socket: HttpSocket | null = null;
  while (performance.now() < endMs) {
    const wasKept: boolean = socket !== null;
    const askedMs = performance.now();
    try {
      socket ??= await open();
      const status = await socket.ask(request);
      if (status !== 200) throw new Error(`status ${status}`);
      latenciesMs.push(performance.now() - askedMs);
    } catch {
      // A proxy may hang up a kept connection as it likes; a client then asks again on a new one.
      if (!wasKept) errors += 1;
      socket?.destroy();
      socket = null;
    }
    if (work === 'connect-get' || socket?.isOver) {
      socket?.destroy();
      socket = null;
    }
  }
  socket?.destroy();
}

async function open(): Promise<HttpSocket> {
  const socket = await openHttpSocket(proxyPort);
  if (work === 'forward-get') return socket;
  const status = await socket.ask(connectRequest, false);
  if (status !== 200) throw new Error(`CONNECT was answered ${status}`);
  return socket;
}

function percentiles(values: readonly number[]) {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (part: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
  return { p50Ms: at(0.5), p99Ms: at(0.99) };
}
