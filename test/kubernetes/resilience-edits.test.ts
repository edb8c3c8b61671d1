import test from 'ava';
import { startControlPlane } from '../support/control-plane.ts';
import { freePorts } from '../support/ports.ts';

test('a refused update keeps the last good version, says so, and moves no neighbour', async (t) => {
  const plane = await startControlPlane(t);
  const [one = 0, two = 0] = await freePorts(2);
  await plane.applyProxy('one', one);
  await plane.applyProxy('two', two);
  await plane.startPod('pod-1');
  await plane.programmed('one', 1);
  const before = await plane.programmed('two', 1);

  await plane.applyProxy('one', two);

  await plane.kube.kubectl(
    ...['wait', '--for=condition=Accepted=False', 'forwardproxy/one', '-n', 'team-a'],
  );
  t.deepEqual(await plane.story('two'), ['configured@1']);
  t.deepEqual(await plane.programmed('two', 1), before);
  await plane.programmed('one', 1);
});
