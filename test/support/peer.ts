import { connect, type Socket } from 'node:net';
import type { Scope } from './teardowns.ts';

/** One end of a TCP connection, read and written byte by byte, as latin1 text. */
export type Peer = {
  readonly socket: Socket;
  send(text: string | Buffer): void;
  /** Start line and fields of the next message. */
  head(): Promise<Head>;
  /** The next message whole. `bodyless`: an answer to HEAD, which has none whatever its fields say. */
  message(options?: { readonly bodyless?: boolean }): Promise<Message>;
  /** So many bytes. */
  bytes(count: number): Promise<string>;
  /** Resolves when these bytes have come; they stay unread. */
  saw(text: string): Promise<void>;
  /** Everything up to the end of the connection, and how that came. */
  rest(): Promise<Rest>;
  /** What has come and was not read yet. */
  readonly unread: string;
};

export type Head = {
  readonly startLine: string;
  /** Of an answer; NaN of a request. */
  readonly status: number;
  /** Names and values in order, names as received. */
  readonly fields: ReadonlyArray<readonly [string, string]>;
  /** All values of that field, whatever the case of its name, joined with `, `; `null`: there is none. */
  field(name: string): string | null;
};

export type Message = Head & {
  readonly framing: 'none' | 'length' | 'chunked' | 'close';
  readonly body: string;
};

export type Rest = { readonly text: string; readonly end: 'fin' | 'reset' };

/** Longer than anything a test waits for on a busy machine: what is awaited came, or never will. */
const deadlineMs = 60_000;

export function peerOf(socket: Socket): Peer {
  let unread = '';
  let end: Rest['end'] | null = null;
  let wake = Promise.withResolvers<void>();
  const changed = () => {
    wake.resolve();
    wake = Promise.withResolvers();
  };
  const ended = (how: Rest['end']) => {
    end ??= how;
    changed();
  };
  socket.on('data', (chunk) => {
    unread += chunk.toString('latin1');
    changed();
  });
  socket.on('end', () => ended('fin'));
  socket.on('error', () => ended('reset'));
  socket.on('close', () => ended('reset')); // after 'end' or 'error' it changes nothing

  const take = (count: number): string => {
    const taken = unread.slice(0, count);
    unread = unread.slice(count);
    return taken;
  };

  /** Waits until `found` answers something, or says what there is instead. */
  async function until<Found>(what: string, found: () => Found | null): Promise<Found> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      changed();
    }, deadlineMs);
    try {
      for (;;) {
        const answer = found();
        if (answer !== null) return answer;
        if (end !== null || late) {
          throw new Error(`no ${what} (${end ?? 'too late'}), but ${JSON.stringify(unread)}`);
        }
        await wake.promise;
      }
    } finally {
      clearTimeout(timer);
    }
  }

  const bytes = (count: number) =>
    until(`${count} bytes`, () => (unread.length >= count ? take(count) : null));

  const line = async () => {
    const text = await until('line', () => {
      const at = unread.indexOf('\r\n');
      return at < 0 ? null : take(at + 2);
    });
    return text.slice(0, -2);
  };

  async function head(): Promise<Head> {
    const text = await until('head', () => {
      const at = unread.indexOf('\r\n\r\n');
      return at < 0 ? null : take(at + 4);
    });
    return parseHead(text.slice(0, -4));
  }

  async function chunks(): Promise<string> {
    let body = '';
    for (;;) {
      const size = Number.parseInt(await line(), 16);
      if (size === 0) break;
      body += await bytes(size);
      await line();
    }
    while ((await line()) !== '');
    return body;
  }

  async function rest(): Promise<Rest> {
    const how = await until('end', () => end);
    return { text: take(unread.length), end: how };
  }

  return {
    socket,
    get unread() {
      return unread;
    },
    send: (text) => void socket.write(text, 'latin1'),
    head,
    bytes,
    rest,
    saw: (text) => until(JSON.stringify(text), () => (unread.includes(text) ? undefined : null)),
    async message({ bodyless = false } = {}) {
      const start = await head();
      const framing = framingOf(start, bodyless);
      switch (framing) {
        case 'none':
          return { ...start, framing, body: '' };
        case 'length':
          return { ...start, framing, body: await bytes(Number(start.field('content-length'))) };
        case 'chunked':
          return { ...start, framing, body: await chunks() };
        case 'close':
          return { ...start, framing, body: (await rest()).text };
      }
    },
  };
}

function parseHead(text: string): Head {
  const [startLine = '', ...lines] = text.split('\r\n');
  const fields = lines.map((each): readonly [string, string] => {
    const colon = each.indexOf(':');
    return [each.slice(0, colon), each.slice(colon + 1).trim()];
  });
  return {
    startLine,
    status: Number(/^HTTP\/\d\.\d (\d{3})/.exec(startLine)?.[1]),
    fields,
    field(name) {
      const values = fields.filter(([each]) => each.toLowerCase() === name.toLowerCase());
      return values.length === 0 ? null : values.map(([, value]) => value).join(', ');
    },
  };
}

/** RFC 9112 §6.3 */
function framingOf(head: Head, bodyless: boolean): Message['framing'] {
  const { status } = head;
  if (bodyless || status < 200 || status === 204 || status === 304) return 'none';
  if (head.field('transfer-encoding') !== null) return 'chunked';
  if (head.field('content-length') !== null) return 'length';
  return Number.isNaN(status) ? 'none' : 'close';
}

/** Connects to a port on loopback; closed with the scope. */
export async function connectPeer(t: Pick<Scope, 'teardown'>, port: number): Promise<Peer> {
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
  t.teardown(() => socket.destroy());
  const peer = peerOf(socket);
  await new Promise((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  return peer;
}
