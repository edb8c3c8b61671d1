import test, { type ExecutionContext } from 'ava';
import { ask, isBadGateway, ok } from '../support/ask.ts';
import { startBlackHole } from '../support/black-hole.ts';
import { untilCopies } from '../support/copy-counts.ts';
import { mirrorTo, ruleTo } from '../support/mirror-route.ts';
import { nobody } from '../support/mirror-targets.ts';
import { connectPeer, type Peer } from '../support/peer.ts';
import { type Recorder, startRecorder } from '../support/recorder.ts';
import { answerText, requestText } from '../support/route-request.ts';
import { fileScope } from '../support/scope.ts';
import { type Stage, type Stages, startStages } from '../support/stages.ts';

// Backends that are gone, late or broken: what clients are told. What was asked is copied all the
// same, if it was read. One process serves the file.
const scope = fileScope();

type Name =
  | 'retried'
  | 'not-retried'
  | 'broken'
  | 'late-answer'
  | 'late-backend'
  | 'gone'
  | 'black-hole';

let stages: Stages<Name>;
let mirror: Recorder;

test.before('a route for each test', async () => {
  mirror = await startRecorder(scope);
  const mirrors = [mirrorTo(mirror)];
  const blackHole = await startBlackHole(scope);
  const to = (parts: object) => (backend: { readonly authority: string }) => ({
    rules: [ruleTo(backend, { mirrors, ...parts })],
  });
  stages = await startStages<Name>(scope, {
    retried: to({}),
    'not-retried': to({}),
    broken: to({}),
    'late-answer': to({ timeouts: { request: '1s' } }),
    'late-backend': to({ timeouts: { request: '0s', backendRequest: '1s' } }),
    gone: () => ({ rules: [ruleTo(nobody, { mirrors })] }),
    'black-hole': () => ({ timeouts: { connect: '1s' }, rules: [ruleTo(blackHole, { mirrors })] }),
  });
});

const stage = (name: Name): Stage => stages.stageOf[name];

/** As many copies as were asked for, and answered. */
const copied = (name: Name, answered: number) =>
  untilCopies(stages.up, { resource: stage(name).resource }, { sent: { answered } });

/** Kept after the first answer, and dead under the second request; another connection works. */
const dying = async (backend: Peer, index: number): Promise<void> => {
  for (let count = 0; ; count += 1) {
    await backend.message();
    if (index === 0 && count === 1) return void backend.socket.destroy();
    backend.send(ok);
  }
};

test('a GET on a kept connection that is dead is sent once more, a POST never', async (t) => {
  const [retried, notRetried] = [stage('retried'), stage('not-retried')];
  retried.play(dying);
  notRetried.play(dying);
  const [getter, poster] = [
    await ask(t, retried.port, requestText()),
    await ask(t, notRetried.port, requestText()),
  ];

  getter.client.send(requestText());
  poster.client.send(requestText({ method: 'POST', body: 'once' }));

  t.is((await getter.client.message()).status, 200);
  t.is(retried.connections.length, 2);
  isBadGateway(t, await poster.client.message(), 'connection_terminated');
  t.is(notRetried.connections.length, 1);
  await copied('retried', 2); // once each, however often they were sent
  await copied('not-retried', 2);
});

async function isLate(t: ExecutionContext, name: Name, code: string, field: RegExp): Promise<void> {
  const answer = await ask(t, stage(name).port, requestText());

  t.is(answer.status, 504);
  t.regex(answer.field('proxy-status') ?? '', new RegExp(`error=${code}\\b`));
  t.regex(answer.body, field);
  await copied(name, 1);
}

test('a backend that cannot be reached, or does not answer in time: 504 and which field says so', async (t) => {
  const never = async (backend: Peer): Promise<void> => void (await backend.rest());
  stage('late-answer').play(never);
  stage('late-backend').play(never);

  await Promise.all([
    isLate(t, 'black-hole', 'connection_timeout', /spec\.timeouts\.connect/),
    isLate(t, 'late-answer', 'http_response_timeout', /spec\.rules\[\]\.timeouts\.request/),
    isLate(t, 'late-backend', 'http_response_timeout', /\.timeouts\.backendRequest/),
  ]);
});

test('an answer that is none is 502; one that breaks off breaks off at the client', async (t) => {
  const { port, play } = stage('broken');
  const answers: readonly string[] = [
    'HTTP/9.9 what\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ];
  const toldToBreak = Promise.withResolvers<void>();
  play(async (backend) => {
    const at = Number(/\/(\d+)/.exec((await backend.message()).startLine)?.[1]);
    if (at < answers.length) return backend.send(answers[at] ?? '');
    backend.send(answerText('half').replace('Length: 4', 'Length: 100'));
    await toldToBreak.promise;
    backend.socket.end();
  });

  for (const at of answers.keys()) {
    isBadGateway(t, await ask(t, port, requestText({ target: `/${at}` })), 'http_protocol_error');
  }
  const client = await connectPeer(t, port);
  client.send(requestText({ target: '/9' }));
  await client.saw('half');
  toldToBreak.resolve();

  t.is((await client.rest()).end, 'reset');
  await copied('broken', answers.length + 1);
});

test('a backend that is not there: 502; a whole request is copied, a body that nobody read is not', async (t) => {
  const { port, resource } = stage('gone');
  const get = requestText({ target: '/gone' });
  const post = requestText({ method: 'POST', target: '/gone', body: 'unread' });

  isBadGateway(t, await ask(t, port, get), 'connection_refused');
  isBadGateway(t, await ask(t, port, post), 'connection_refused');

  await untilCopies(stages.up, { resource }, { sent: { answered: 1 }, skipped: { incomplete: 1 } });
  await mirror.got(({ startLine }) => startLine === 'GET /gone HTTP/1.1');
});
