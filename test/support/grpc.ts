import { spawn } from 'node:child_process';
import { join } from 'node:path';
import {
  ChannelCredentials,
  type ClientDuplexStream,
  makeGenericClientConstructor,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type sendUnaryData,
} from '@grpc/grpc-js';
import { echoService } from '../clients/grpc-service.ts';
import { python } from './clients.ts';
import { childEnvironment } from './environment.ts';
import { linesOf } from './lines.ts';
import type { Scope } from './teardowns.ts';

/** A server of gRPC on 127.0.0.1 that echoes, and what its unary method was asked. */
export type GrpcServer = {
  readonly port: number;
  readonly authority: string;
  readonly asked: readonly GrpcAsked[];
};

/** That of grpc-js; `cancelled` resolves when the first stream of messages is. */
export type GrpcJsServer = GrpcServer & { readonly cancelled: Promise<void> };

export type GrpcAsked = {
  readonly said: string;
  readonly metadata: Readonly<Record<string, string>>;
};

export async function startGrpcServer(
  scope: Scope,
  credentials: ServerCredentials = ServerCredentials.createInsecure(),
): Promise<GrpcJsServer> {
  const cancelled = Promise.withResolvers<void>();
  const server = new Server();
  const asked: GrpcAsked[] = [];
  server.addService(echoService, {
    say: (
      { request, metadata }: ServerUnaryCall<Buffer, Buffer>,
      answer: sendUnaryData<Buffer>,
    ) => {
      const entries = Object.entries(metadata.getMap());
      asked.push({
        said: request.toString(),
        metadata: Object.fromEntries(entries.map(([name, value]) => [name, String(value)])),
      });
      answer(null, request);
    },
    chat: (call: ServerDuplexStream<Buffer, Buffer>) => {
      call.on('data', (message: Buffer) => call.write(message));
      call.on('end', () => call.end());
      call.on('cancelled', () => cancelled.resolve());
    },
  });
  scope.teardown(() => server.forceShutdown());
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', credentials, (failure, bound) =>
      failure ? reject(failure) : resolve(bound),
    );
  });
  return { port, authority: `127.0.0.1:${port}`, asked, cancelled: cancelled.promise };
}

/** `serve` and `call`: see there. */
export const grpcPeer = join(import.meta.dirname, '../clients/python/grpc_peer.py');

/** That of gRPC's C library, in Python. */
export async function startGrpcPeer(scope: Scope): Promise<GrpcServer> {
  const child = spawn(python, [grpcPeer, 'serve'], { env: childEnvironment() });
  const ended = new Promise((resolve) => child.once('close', resolve));
  scope.teardown(async () => {
    child.stdin.end();
    await ended;
  });
  child.stderr.resume();
  const lines = linesOf(child.stdout);
  const port = Number(await lines.next(() => true));
  return {
    port,
    authority: `127.0.0.1:${port}`,
    get asked() {
      return lines.all.slice(1).map((line) => JSON.parse(line));
    },
  };
}

/** A stream of messages both ways, by a client of grpc-js. */
export function openChat(scope: Scope, authority: string): ClientDuplexStream<Buffer, Buffer> {
  const Client = makeGenericClientConstructor(echoService, 'Echo');
  const client = new Client(authority, ChannelCredentials.createInsecure());
  scope.teardown(() => client.close());
  const { path, requestSerialize, responseDeserialize } = echoService.chat;
  return client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
}
