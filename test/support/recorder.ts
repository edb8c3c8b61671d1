import type { Socket } from 'node:net';
import { type ServerTls, startTcpOrigin } from './origin.ts';
import { type Message, peerOf } from './peer.ts';
import { answerText } from './route-request.ts';
import type { Scope } from './teardowns.ts';

/** A backend or a mirror that keeps what it got, byte for byte. */
export type Recorder = {
  readonly port: number;
  readonly authority: string;
  /** Its connections of now. */
  readonly sockets: ReadonlySet<Socket>;
  /** Whole requests, in the order they came. */
  readonly received: readonly Message[];
  /** The first request that matches, once it is there. */
  got(matches: (request: Message) => boolean): Promise<Message>;
  /** Resolves when so many requests are there. */
  gotAll(count: number): Promise<void>;
};

/** Longer than anything a test waits for on a busy machine: what is awaited came, or never will. */
const deadlineMs = 60_000;

/** Answers each whole request with `answer`. */
export async function startRecorder(
  scope: Scope,
  answer: (request: Message) => string = () => answerText('ok'),
  tls: ServerTls | null = null,
): Promise<Recorder> {
  const received: Message[] = [];
  const lookers = new Set<() => void>();

  const connected = (socket: Socket) => {
    const peer = peerOf(socket);
    const serve = async () => {
      for (;;) {
        const request = await peer.message();
        received.push(request);
        for (const look of lookers) look();
        peer.send(answer(request));
      }
    };
    // Between two requests the connection may end, or nothing may come for longer than a peer waits.
    serve().catch(() => socket.destroy());
  };
  const { port, authority, sockets } = await startTcpOrigin(scope, connected, tls);

  function until<Found>(what: string, find: () => Found | undefined): Promise<Found> {
    const { promise, resolve, reject } = Promise.withResolvers<Found>();
    const look = () => {
      const found = find();
      if (found === undefined) return;
      lookers.delete(look);
      clearTimeout(timer);
      resolve(found);
    };
    const timer = setTimeout(() => {
      lookers.delete(look);
      const lines = received.map(({ startLine }) => startLine).join(', ');
      reject(new Error(`no ${what} among ${received.length}: ${lines.slice(0, 1000)}`));
    }, deadlineMs);
    lookers.add(look);
    look();
    return promise;
  }

  return {
    port,
    authority,
    sockets,
    received,
    got: (matches) => until('such request', () => received.find(matches)),
    async gotAll(count) {
      await until(`${count} requests`, () => (received.length >= count ? true : undefined));
    },
  };
}

/** A request as its backend saw it, which this answer shows. */
export type Seen = {
  /** Which of the backends it was. */
  readonly by: string;
  readonly startLine: string;
  readonly fields: Message['fields'];
  readonly body: string;
};

/** For a backend that tells its clients what it was asked. */
export function showing(name: string): (request: Message) => string {
  return ({ startLine, fields, body }) =>
    answerText(JSON.stringify({ by: name, startLine, fields, body } satisfies Seen));
}

/** What a backend that is {@link showing} was asked. */
export function seenIn(
  answer: Pick<Message, 'body'>,
): Seen & { field(name: string): string | null } {
  const seen: Seen = JSON.parse(answer.body);
  return { ...seen, field: (name) => fieldOf(seen, name) };
}

/** All values of a field, whatever the case of its name; `null`: there is none. */
function fieldOf({ fields }: Pick<Seen, 'fields'>, name: string): string | null {
  const values = fields.filter(([each]) => each.toLowerCase() === name.toLowerCase());
  return values.length === 0 ? null : values.map(([, value]) => value).join(', ');
}
