import { connect, type Socket } from 'node:net';

/**
 * A connection that asks one thing at a time, with as little of its own as possible: the load
 * generator shares the machine with what it measures.
 */
export type HttpSocket = {
  /** Sends bytes; resolves to the status when the whole answer is here, rejects when the connection ends first. */
  ask(request: Buffer, hasBody?: boolean): Promise<number>;
  /** The last answer said `Connection: close`, or the other side has hung up. */
  readonly isOver: boolean;
  destroy(): void;
};

type Waiting = {
  readonly hasBody: boolean;
  resolve(status: number): void;
  reject(error: Error): void;
};

export async function openHttpSocket(port: number): Promise<HttpSocket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  return asking(socket);
}

function asking(socket: Socket): HttpSocket {
  let waiting: Waiting | null = null;
  let received: Buffer = Buffer.alloc(0);
  let isOver = false;

  socket.on('data', (chunk: Buffer) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    const answer = waiting === null ? null : answerIn(received, waiting.hasBody);
    if (answer === null || waiting === null) return;
    received = received.subarray(answer.length);
    isOver ||= answer.closes;
    const { resolve } = waiting;
    waiting = null;
    resolve(answer.status);
  });
  const over = (error: Error) => {
    isOver = true;
    waiting?.reject(error);
    waiting = null;
  };
  socket.on('error', over);
  socket.on('close', () => over(new Error('closed before the answer')));

  return {
    ask(request, hasBody = true) {
      return new Promise((resolve, reject) => {
        if (socket.destroyed) return reject(new Error('closed'));
        waiting = { hasBody, resolve, reject };
        socket.write(request);
      });
    },
    get isOver() {
      return isOver;
    },
    destroy: () => socket.destroy(),
  };
}

/** The first whole answer in what was received. The origin always says how long its body is. */
function answerIn(received: Buffer, hasBody: boolean) {
  const end = received.indexOf('\r\n\r\n');
  if (end === -1) return null;
  const head = received.toString('latin1', 0, end);
  const length =
    end + 4 + (hasBody ? Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0) : 0);
  if (received.length < length) return null;
  return {
    length,
    status: Number(head.slice(9, 12)),
    closes: /\r\n(?:proxy-)?connection: *close/i.test(head),
  };
}
