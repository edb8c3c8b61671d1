import { setTimeout } from 'node:timers/promises';
import test from 'ava';
import { useCluster } from '../support/cluster.ts';
import {
  forwardProxy,
  headgateNamespace,
  install,
  proxyUrl,
  rolledOut,
  startOrigin,
} from '../support/installed.ts';
import { serviceMade, setPools, withPools } from '../support/pools.ts';

const inHeadgate = ['-n', headgateNamespace] as const;

test.serial('pods without any right listen on ports below 1024', async (t) => {
  const cluster = await useCluster(t);
  await install(cluster);
  const [origin, client] = await Promise.all([startOrigin(cluster), cluster.startClientPod()]);
  const listeners = [80, 443].map((port) => ({ name: `p${port}`, port }));
  await cluster.apply(forwardProxy('low', 80, { listeners }));
  await cluster.waitFor('condition=Programmed', 'forwardproxy/low');
  await serviceMade(cluster, 'low');

  for (const port of [80, 443]) {
    const proxy = proxyUrl(cluster, 'low', port);
    const retry = ['--retry', '10', '--retry-delay', '1', '--retry-connrefused'];
    const answer = await client.run('curl', '-sS', ...retry, '--proxy', proxy, `${origin}/${port}`);
    t.like(answer, { code: 0, stdout: `origin /${port}\n` }, answer.stderr);
  }
});

test.serial(
  'what somebody changes by hand is put right within seconds, but replicas of an autoscaler stay',
  async (t) => {
    const cluster = await withPools(t, 'pools: {default: {}, hand: {}}');
    const { kubectl } = cluster;
    const deployment = 'deployment/headgate-pool-hand';
    const service = `service/fp-${cluster.namespace}-web`;
    await cluster.apply(forwardProxy('web', 3128, { pool: 'hand' }));
    await cluster.waitFor('condition=Programmed', 'forwardproxy/web');
    await serviceMade(cluster, 'web');
    await rolledOut(cluster, deployment);

    const becomes = async (object: string, path: string, value: string) => {
      const from = Date.now();
      const read = ['get', ...inHeadgate, object, '--ignore-not-found', '-o', `jsonpath=${path}`];
      while ((await kubectl(...read)) !== value) await setTimeout(100);
      t.log(`${object}${path} was right after ${Date.now() - from} ms`);
    };
    await kubectl('delete', ...inHeadgate, service, 'service/headgate-pool-hand-metrics');
    await becomes(service, '{.spec.ports[*].port}', '3128');
    await becomes('service/headgate-pool-hand-metrics', '{.spec.ports[*].port}', '9127');
    await kubectl('scale', ...inHeadgate, deployment, '--replicas=1');
    await becomes(deployment, '{.spec.replicas}', '2');
    const ports = JSON.stringify([{ op: 'replace', path: '/spec/ports/0/port', value: 3129 }]);
    await kubectl('patch', ...inHeadgate, service, '--type=json', '-p', ports);
    await becomes(service, '{.spec.ports[*].port}', '3128');

    await setPools(
      cluster,
      'pools: {default: {}, hand: {replicas: null, podAnnotations: {seen: once}}}',
    );
    await becomes(deployment, '{.spec.template.metadata.annotations.seen}', 'once');
    await kubectl('scale', ...inHeadgate, deployment, '--replicas=3');
    await setPools(
      cluster,
      'pools: {default: {}, hand: {replicas: null, podAnnotations: {seen: twice}}}',
    );
    await becomes(deployment, '{.spec.template.metadata.annotations.seen}', 'twice');
    t.is(await kubectl('get', ...inHeadgate, deployment, '-o', 'jsonpath={.spec.replicas}'), '3');
  },
);
