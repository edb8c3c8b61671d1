import { createServer, type Socket } from 'node:net';
import { Writable } from 'node:stream';
import { type KubeConfig, PortForward } from '@kubernetes/client-node';

/** A port of one pod, reachable at a port of this machine's loopback. */
export type ForwardedPort = AsyncDisposable & {
  readonly port: number;
  /** What kept a connection from the pod last; `null`: nothing did. */
  problem(): string | null;
};

type ForwardOptions = {
  readonly config: KubeConfig;
  readonly namespace: string;
  readonly pod: string;
  readonly port: number;
};

/** As `kubectl port-forward`: each connection goes through the API server and the kubelet of the pod. */
export async function forwardPort(options: ForwardOptions): Promise<ForwardedPort> {
  const { config, namespace, pod, port } = options;
  const forward = new PortForward(config);
  const sockets = new Set<Socket>();
  let problem: string | null = null;

  async function serve(socket: Socket): Promise<void> {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => sockets.delete(socket));
    // What the kubelet could not do, in its words.
    const complaints = new Writable({
      write(chunk: Buffer, _encoding, done) {
        if (chunk.length > 0) problem = chunk.toString().trim();
        done();
      },
    });
    try {
      const opened = await forward.portForward(namespace, pod, [port], socket, complaints, socket);
      const connection = typeof opened === 'function' ? opened() : opened;
      if (connection === null) return void socket.destroy();
      connection.onclose = () => socket.destroy();
      socket.once('close', () => connection.close());
      if (connection.readyState >= connection.CLOSING) socket.destroy();
    } catch (error) {
      problem = error instanceof Error ? error.message : messageIn(error);
      socket.destroy();
    }
  }

  const server = createServer((socket) => void serve(socket));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    problem: () => problem,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The WebSocket library reports events, not errors. */
function messageIn(event: unknown): string {
  return typeof event === 'object' && event !== null && 'message' in event
    ? String(event.message)
    : String(event);
}
