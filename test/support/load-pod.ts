// Runs in a pod: an origin, clients that reach it through a proxy, and a report of how they fare.
// It stands alone, because a ConfigMap brings it there. The origin says from which address it was
// asked: so each client knows the pod behind each of its connections.
import { Agent, createServer, type IncomingMessage, request } from 'node:http';
import { connect, createServer as createTcpServer, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';

export type LoadKind = 'kept' | 'connect' | 'tunnel';

/** A connection that ended before it should have. */
export type Broken = {
  readonly kind: LoadKind;
  /** Address of the proxy's pod; `null`: it had not answered on this connection yet. */
  readonly pod: string | null;
  readonly error: string;
  readonly at: number;
};

export type LoadReport = {
  /** Requests, CONNECTs and round trips through tunnels that went well. */
  readonly done: Readonly<Record<LoadKind, number>>;
  readonly broken: readonly Broken[];
  /** Address of a pod → the last time it answered. */
  readonly pods: Readonly<Record<string, number>>;
  /** Pods to which tunnels lead now. */
  readonly tunnels: readonly (string | null)[];
};

export type LoadTask = {
  readonly proxy: { readonly host: string; readonly port: number };
  readonly clients: Readonly<Record<LoadKind, number>>;
  readonly authorization: string | null;
};

/** The ports of this pod. */
export const loadPorts = { origin: 8080, echo: 8081, control: 9000 };

type Connection = { pod: string | null };

const pauseMs = 20;
const patienceMs = 20_000;

/** Clients of one proxy, until told to stop. */
function startClients({ proxy, clients, authorization }: LoadTask, own: string) {
  const done = { kept: 0, connect: 0, tunnel: 0 };
  const broken: Broken[] = [];
  const pods: Record<string, number> = {};
  const tunnels = new Map<number, Connection>();
  const headers = authorization === null ? {} : { 'proxy-authorization': authorization };
  let stopping = false;

  function seen(connection: Connection, pod: string): void {
    connection.pod = pod;
    pods[pod] = Date.now();
  }

  const turns: Record<LoadKind, (client: number) => Promise<void>> = {
    kept: keptClient,
    connect: connectClient,
    tunnel: tunnelClient,
  };

  async function run(kind: LoadKind, client: number): Promise<void> {
    await reached(proxy);
    while (!stopping) await turns[kind](client);
  }

  function failed(kind: LoadKind, { pod }: Connection, error: unknown): void {
    if (broken.length > 10_000) return;
    const text = error instanceof Error ? error.message || String(error) : String(error);
    broken.push({ kind, pod, error: text, at: Date.now() });
  }

  /** One connection, for as long as the proxy does not say that it closes it. */
  async function keptClient(): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    let socket: Socket | null = null;
    let connection: Connection = { pod: null };
    try {
      for (;;) {
        const path = `http://${own}:${loadPorts.origin}/`;
        const asked = request({ ...proxy, path, agent, headers, timeout: patienceMs });
        asked.once('socket', (used) => {
          if (used !== socket) connection = { pod: null };
          socket = used;
        });
        asked.once('timeout', () => asked.destroy(new Error('no answer')));
        asked.end();
        const { status, body } = await answerTo(asked);
        if (status !== 200) throw new Error(`${status} ${body}`);
        seen(connection, body);
        done.kept += 1;
        if (stopping) return;
        await setTimeout(pauseMs);
      }
    } catch (error) {
      failed('kept', connection, error);
      await setTimeout(pauseMs);
    } finally {
      agent.destroy();
    }
  }

  async function connectClient(): Promise<void> {
    const connection = { pod: null };
    try {
      const tunnel = await openTunnel(connection);
      await tunnel.roundTrip();
      tunnel.socket.destroy();
      done.connect += 1;
    } catch (error) {
      failed('connect', connection, error);
    }
    await setTimeout(pauseMs);
  }

  async function tunnelClient(client: number): Promise<void> {
    const connection = { pod: null };
    tunnels.set(client, connection);
    try {
      const tunnel = await openTunnel(connection);
      while (!stopping) {
        await tunnel.roundTrip();
        done.tunnel += 1;
        await setTimeout(pauseMs);
      }
      tunnel.socket.destroy();
    } catch (error) {
      failed('tunnel', connection, error);
      await setTimeout(pauseMs);
    }
  }

  async function openTunnel(connection: Connection) {
    const { socket, body } = await connectTo(`${own}:${loadPorts.echo}`);
    const read = reader(socket, body);
    seen(connection, await read.line());
    return {
      socket,
      async roundTrip() {
        const word = `ping ${Math.random()}`;
        socket.write(`${word}\n`);
        const answer = await read.line();
        if (answer !== word) throw new Error(`another answer: ${answer}`);
        seen(connection, connection.pod ?? '');
      },
    };
  }

  function connectTo(authority: string): Promise<{ socket: Socket; body: Buffer }> {
    const { promise, resolve, reject } = Promise.withResolvers<{ socket: Socket; body: Buffer }>();
    const asked = request({
      ...{ ...proxy, method: 'CONNECT', path: authority, agent: false, timeout: patienceMs },
      headers: { ...headers, host: authority },
    });
    asked.once('timeout', () => asked.destroy(new Error('no answer')));
    asked.once('error', reject);
    asked.once('response', ({ statusCode }) => reject(new Error(`answered ${statusCode}`)));
    asked.once('connect', ({ statusCode }, socket: Socket, body) => {
      if (statusCode === 200) return resolve({ socket, body });
      socket.destroy();
      reject(new Error(`answered ${statusCode}: ${body}`));
    });
    asked.end();
    return promise;
  }

  const ended = Promise.all(
    (['kept', 'connect', 'tunnel'] as const).flatMap((kind) =>
      Array.from({ length: clients[kind] }, (_, client) => run(kind, client)),
    ),
  );
  return {
    report: (): LoadReport => ({
      ...{ done, broken, pods },
      tunnels: [...tunnels.values()].map(({ pod }) => pod),
    }),
    async stop() {
      stopping = true;
      await ended;
    },
  };
}

/** A Service is there a little before the rules of the nodes are. */
async function reached(proxy: LoadTask['proxy']): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = connect(proxy).once('connect', resolve).once('error', reject);
  try {
    await promise;
  } catch {
    await setTimeout(pauseMs);
    await reached(proxy);
  } finally {
    socket.destroy();
  }
}

async function answerTo(asked: ReturnType<typeof request>) {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  asked.once('response', resolve).once('error', reject);
  const answer = await promise;
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk);
  return { status: answer.statusCode, body: Buffer.concat(chunks).toString() };
}

/** Lines of a socket; waiting for one ends with the socket, or when it says nothing for long. */
function reader(socket: Socket, first: Buffer) {
  let text = first.toString();
  let over: Error | null = null;
  let wake = () => {};
  const end = (error: Error) => {
    over ??= error;
    wake();
  };
  socket.setTimeout(patienceMs, () => socket.destroy(new Error('no answer')));
  socket.on('error', end);
  socket.on('end', () => end(new Error('ended')));
  socket.on('close', () => end(new Error('closed')));
  socket.on('data', (chunk) => {
    text += chunk;
    wake();
  });
  return {
    async line(): Promise<string> {
      for (;;) {
        const end = text.indexOf('\n');
        if (end >= 0) {
          const line = text.slice(0, end);
          text = text.slice(end + 1);
          return line;
        }
        if (over !== null) {
          socket.destroy();
          throw over;
        }
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}

const ipv4 = (address = '') => address.replace(/^::ffff:/, '');

/** Said who asks, then everything back. */
function startOrigins(): void {
  createServer({ keepAliveTimeout: 60_000 }, ({ socket }, answer) => {
    answer.end(ipv4(socket.remoteAddress));
  }).listen(loadPorts.origin);
  createTcpServer((socket) => {
    socket.on('error', () => undefined);
    socket.write(`${ipv4(socket.remoteAddress)}\n`);
    socket.pipe(socket);
  }).listen(loadPorts.echo);
}

/** `POST /` of a task starts clients, `GET /` reports, `DELETE /` waits for what is under way. */
function startControl(own: string): void {
  const running = new Map<string, ReturnType<typeof startClients>>();
  createServer(async (asked, answer) => {
    const name = asked.url ?? '/';
    const chunks: Buffer[] = [];
    for await (const chunk of asked) chunks.push(chunk);
    if (asked.method === 'POST') {
      running.set(name, startClients(JSON.parse(Buffer.concat(chunks).toString()), own));
    } else if (asked.method === 'DELETE') {
      await running.get(name)?.stop();
    }
    answer.end(JSON.stringify(running.get(name)?.report()));
  }).listen(loadPorts.control);
}

if (import.meta.main) {
  startOrigins();
  startControl(process.argv[2] ?? '');
}
