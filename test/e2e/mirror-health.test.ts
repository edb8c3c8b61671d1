import { spawn } from 'node:child_process';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { findCondition } from '../../contracts/conditions.ts';
import type { ResourceStatus } from '../../contracts/status.ts';
import { copyCounts } from '../support/copy-counts.ts';
import { childEnvironment } from '../support/environment.ts';
import type { HeadgateUp } from '../support/headgate-up.ts';
import { linesOf } from '../support/lines.ts';
import { mirrorTo, ruleTo, startRoutes } from '../support/mirror-route.ts';
import { aloneAddress } from '../support/mirror-targets.ts';
import { connectPeer } from '../support/peer.ts';
import { freePorts } from '../support/ports.ts';
import { startRecorder } from '../support/recorder.ts';
import { answerText, requestText } from '../support/route-request.ts';

// What a pod knows of its mirrors is in the status of the route: the whole way, by the command line.

const headgate = join(import.meta.dirname, '../../cli/headgate');

/** The status of a route, each time it was written. */
function watchStatus(t: ExecutionContext, up: HeadgateUp, name: string) {
  const args = ['get', 'mirrorroute', name, '-o', 'json', '--watch', '--data', up.data];
  const child = spawn(headgate, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: childEnvironment(),
  });
  t.teardown(() => child.kill());
  const lines = linesOf(child.stdout);
  const statusIn = (line: string): ResourceStatus => JSON.parse(line).status;
  return {
    async until(isWanted: (status: ResourceStatus) => boolean): Promise<ResourceStatus> {
      return statusIn(await lines.next((line) => isWanted(statusIn(line))));
    },
    all: () => lines.all.map(statusIn),
  };
}

function wordOf({ conditions }: ResourceStatus, type: 'MirrorHealthy' | 'Programmed'): string {
  const condition = findCondition(conditions, type);
  return condition === null ? '' : `${condition.status}/${condition.reason}`;
}

async function listenAt(t: ExecutionContext, port: number): Promise<void> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', () => socket.write(answerText('', [], '200 OK')));
  });
  await new Promise<void>((resolve) => server.listen(port, aloneAddress, resolve));
  t.teardown(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
}

test('a breaker that opens is in the status of its route, and so is that it closed', async (t) => {
  const backend = await startRecorder(t);
  const [port = 0] = await freePorts(1);
  const circuitBreaker = { consecutiveFailures: 3, openFor: '1s', maxOpenFor: '1s' };
  const mirror = mirrorTo({ authority: `${aloneAddress}:${port}` }, { circuitBreaker });
  const { up, portOf } = await startRoutes(t, {
    shop: { rules: [ruleTo(backend, { name: 'all', mirrors: [mirror] })] },
  });
  const client = await connectPeer(t, portOf.shop);
  const ask = async () => {
    client.send(requestText());
    t.is((await client.message()).status, 200);
  };
  const status = watchStatus(t, up, 'shop');
  const said = (what: string) =>
    up.stdout.next((line) => line.startsWith(`MirrorRoute/test/shop MirrorHealthy=${what}`));
  const first = await status.until((each) => wordOf(each, 'MirrorHealthy') === 'True/Healthy');
  t.like(first.mirrors, [{ name: 'all/canary', state: 'Active' }]);

  const opened = said('False/BreakerOpen');
  for (let asked = 0; asked < 4; asked += 1) await ask();
  t.regex(await opened, /keep failing: all\/canary$/);
  const open = await status.until((each) => wordOf(each, 'MirrorHealthy') === 'False/BreakerOpen');
  t.like(open.mirrors, [{ name: 'all/canary', state: 'BreakerOpen' }]);
  t.is(wordOf(open, 'Programmed'), 'True/Programmed');

  await listenAt(t, port);
  const copies = { resource: 'test/shop' };
  while ((await copyCounts(up, copies)).sent['answered'] === undefined) await ask();
  await said('True');
  const sinceOf = ({ mirrors = [] }: ResourceStatus) => mirrors[0]?.lastTransitionTime;
  const healthy = await status.until(
    (each) => wordOf(each, 'MirrorHealthy') === 'True/Healthy' && sinceOf(each) !== sinceOf(first),
  );
  t.like(healthy.mirrors, [{ name: 'all/canary', state: 'Active' }]);
  for (const each of status.all()) t.is(wordOf(each, 'Programmed'), 'True/Programmed');
});
