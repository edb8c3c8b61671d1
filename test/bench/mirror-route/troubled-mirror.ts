import {
  createServer as createHttpServer,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { createServer, type Server } from 'node:net';
import { setTimeout } from 'node:timers/promises';

/** `node troubled-mirror.ts hung|resetting|slow`: a mirror in trouble. Prints its port. */
const troubles: Readonly<Record<string, () => Server>> = {
  hung: () => createHttpServer((request) => request.resume()),
  resetting: () => createServer((socket) => socket.resetAndDestroy()),
  slow: () => createHttpServer({ requestTimeout: 0 }, answerSlowly),
};

const server = troubles[process.argv[2] ?? '']?.();
if (server === undefined) throw new Error(`no such trouble: ${process.argv[2]}`);
server.listen({ port: 0, host: '127.0.0.1', backlog: 1024 }, () => {
  const address = server.address();
  if (typeof address === 'object') process.stdout.write(`${address?.port}\n`);
});
// Whoever started it is gone, however that came.
process.stdin.resume().on('end', () => process.exit());

async function answerSlowly(request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    // A millisecond for each byte of the body.
    for await (const piece of request) await setTimeout(piece.length);
    response.end('0123456789');
  } catch {
    // Whoever sent the copy has given up.
  }
}
