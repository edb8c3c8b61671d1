import { createServer, type Socket } from 'node:net';
import test from 'ava';
import { type Condition, findCondition } from '../../contracts/conditions.ts';
import type { MirrorStatus } from '../../contracts/status.ts';
import { watchUntil } from '../support/cluster.ts';
import { startControlPlane, team } from '../support/control-plane.ts';
import { kstatus } from '../support/kstatus.ts';
import { mirrorTo, ruleTo } from '../support/mirror-route.ts';
import { aloneAddress } from '../support/mirror-targets.ts';
import { connectPeer } from '../support/peer.ts';
import { freePorts } from '../support/ports.ts';
import type { SeenProxy } from '../support/proxy-versions.ts';
import { startRecorder } from '../support/recorder.ts';
import { answerText, requestText } from '../support/route-request.ts';

type SeenRoute = SeenProxy & {
  readonly status?: {
    readonly mirrors?: readonly MirrorStatus[];
    readonly conditions: readonly Condition[];
  };
};

/** `True/Healthy all/canary=Active` */
function inWords({ status }: SeenRoute): string {
  const healthy = findCondition(status?.conditions ?? [], 'MirrorHealthy');
  const mirrors = status?.mirrors?.map(({ name, state }) => `${name}=${state}`) ?? [];
  return [`${healthy?.status}/${healthy?.reason}`, ...mirrors].join(' ');
}

test('what pods say of mirrors is in the status of the route, and informs only', async (t) => {
  const plane = await startControlPlane(t);
  const backend = await startRecorder(t);
  const [port = 0, mirrorPort = 0] = await freePorts(2);
  const mirror = mirrorTo(
    { authority: `${aloneAddress}:${mirrorPort}` },
    { circuitBreaker: { consecutiveFailures: 3, openFor: '1s', maxOpenFor: '1s' } },
  );
  const route = {
    apiVersion: 'headgate.dev/v1alpha1',
    kind: 'MirrorRoute',
    metadata: { name: 'shop', namespace: team },
    spec: {
      listeners: [{ name: 'all', port, address: '127.0.0.1' }],
      rules: [ruleTo(backend, { name: 'all', mirrors: [mirror] })],
    },
  };
  const until = async (words: string): Promise<SeenRoute> => {
    const object = ['mirrorroute', 'shop', '--namespace', team];
    const found = await watchUntil(
      plane.kube.kubeconfig,
      object,
      (one) => inWords(one as SeenRoute) === words, // it was asked for by its kind
    );
    return found as SeenRoute;
  };

  await plane.kube.apply(JSON.stringify(route));
  await plane.startPod('pod-1');
  const first = await until('True/Healthy all/canary=Active');
  const client = await connectPeer(t, port);
  const ask = async () => {
    client.send(requestText());
    t.is((await client.message()).status, 200);
  };
  for (let asked = 0; asked < 4; asked += 1) await ask();

  const open = await until('False/BreakerOpen all/canary=BreakerOpen');
  t.is(findCondition(open.status?.conditions ?? [], 'Programmed')?.status, 'True');
  t.is(kstatus(open), 'Current');
  t.is(open.status?.configVersion, first.status?.configVersion);

  const copied = await listenAt(t, mirrorPort);
  while (!copied()) await ask();
  const healthy = await until('True/Healthy all/canary=Active');
  t.not(
    healthy.status?.mirrors?.[0]?.lastTransitionTime,
    first.status?.mirrors?.[0]?.lastTransitionTime,
  );
});

/** The mirror is back; answers whether it has got a copy. */
async function listenAt(t: { teardown(end: () => void): void }, port: number) {
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
  return () => sockets.size > 0;
}
