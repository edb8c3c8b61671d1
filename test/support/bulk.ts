import type { Socket } from 'node:net';
import type { HeadgateUp } from './headgate-up.ts';

export const megabyte = 1024 * 1024;

const piece = Buffer.alloc(64 * 1024, 'headgate ');

/** Sends so many bytes, no faster than they are taken; resolves when the last one is handed over. */
export async function sendBytes(socket: Socket, count: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    let left = count;
    const send = () => {
      while (left > 0) {
        const part = piece.subarray(0, left);
        left -= part.length;
        if (!socket.write(part)) return void socket.once('drain', send);
      }
      resolve();
    };
    socket.once('close', () => reject(new Error(`closed, and ${left} bytes were not sent`)));
    send();
  });
}

/** Takes so many bytes. */
export async function takeBytes(socket: Socket, count: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    let left = count;
    socket.on('data', (chunk: Buffer) => {
      left -= chunk.length;
      if (left <= 0) resolve();
    });
    socket.once('close', () => reject(new Error(`closed ${left} bytes before the end`)));
    socket.resume();
  });
}

/** Resolves with what `moved` says when it says the same however long the process is kept busy otherwise. */
export async function untilStalled(up: HeadgateUp, moved: () => number): Promise<number> {
  for (;;) {
    const before = moved();
    for (let look = 0; look < 20; look += 1) await up.metrics();
    if (before > 0 && before === moved()) return before;
  }
}
