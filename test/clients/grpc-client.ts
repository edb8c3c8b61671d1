import { readFile } from 'node:fs/promises';
import { credentials, makeGenericClientConstructor } from '@grpc/grpc-js';
import { echoService } from './grpc-service.ts';

/** `node grpc-client.ts AUTHORITY [CA-FILE]`, with grpc_proxy in the environment; prints what came back as JSON. */
const [authority = '', caFile] = process.argv.slice(2);
const channel =
  caFile === undefined
    ? credentials.createInsecure()
    : credentials.createSsl(await readFile(caFile));
const Client = makeGenericClientConstructor(echoService, 'Echo');
const client = new Client(authority, channel);
client.waitForReady(Date.now() + 30_000, (failure) => (failure ? fail(failure) : say()));

function say(): void {
  const said = Promise.withResolvers<Buffer>();
  client.makeUnaryRequest(
    ...[
      echoService.say.path,
      echoService.say.requestSerialize,
      echoService.say.responseDeserialize,
    ],
    Buffer.from('hello'),
    (failure: Error | null, answer?: Buffer) =>
      failure ? said.reject(failure) : said.resolve(answer ?? Buffer.alloc(0)),
  );
  said.promise.then(chat, fail);
}

function chat(said: Buffer): void {
  const { path, requestSerialize, responseDeserialize } = echoService.chat;
  const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
  const lengths: number[] = [];
  call.on('data', (message: Buffer) => lengths.push(message.length));
  call.on('error', fail);
  call.on('end', () => {
    process.stdout.write(JSON.stringify({ said: said.toString(), lengths }));
    client.close();
  });
  for (const length of [1, 1_000, 1_000_000]) call.write(Buffer.alloc(length));
  call.end();
}

function fail(failure: Error): void {
  process.stdout.write(JSON.stringify({ error: failure.message }));
  client.close();
}
