import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { isRecord } from '../../contracts/json.ts';
import { type Cluster, useCluster } from '../support/cluster.ts';
import {
  forwardProxy,
  headgateNamespace,
  install,
  proxyUrl,
  readManifest,
  startOrigin,
} from '../support/installed.ts';

const examples = join(import.meta.dirname, '../../crds/examples');

// One story, told in order: each step needs the one before, and the cluster is the same for all.
test('from nothing to a proxied request, an edit, a removal, and nothing left behind', async (t) => {
  const cluster = await useCluster(t);
  await cluster.tryKubectl(['delete', '--ignore-not-found', '--wait', '-f', '-'], {
    stdin: await readManifest(),
  });
  await install(cluster);

  const origin = await startOrigin(cluster);
  const client = await cluster.startClientPod();
  await cluster.apply(forwardProxy('web', 3128));
  await cluster.waitFor('condition=Programmed', 'forwardproxy/web');
  const proxy = proxyUrl(cluster, 'web', 3128);
  await untilServiceIs(cluster, 'web', true);
  const curl = (...args: readonly string[]) =>
    client.run(
      'curl',
      '-sS',
      '--max-time',
      '20',
      '--retry',
      '5',
      '--retry-connrefused',
      '--proxy',
      proxy,
      ...args,
    );

  t.like(await curl(`${origin}/plain`), { code: 0, stdout: 'origin /plain\n' });
  t.like(await curl('--proxytunnel', `${origin}/tunnel`), { code: 0, stdout: 'origin /tunnel\n' });

  await cluster.apply(forwardProxy('web', 3128, { egress: { defaultAction: 'Deny' } }));
  const edited = await cluster.until(['forwardproxy/web'], (object) => isProgrammed(object, 2));
  const { acked, desired } = propagationOf(edited);
  t.is(acked, 2);
  t.is(desired, 2);
  const denied = await curl('-o', '/dev/null', '-w', '%{http_code}', `${origin}/denied`);
  t.is(denied.stdout, '403');

  await cluster.kubectl('delete', 'forwardproxy/web');
  await untilServiceIs(cluster, 'web', false);

  await applyExamples(t, cluster);

  await cluster.tryKubectl(['delete', '--wait', '--timeout=180s', '-f', '-'], {
    stdin: await readManifest(),
  });
  t.deepEqual(await leftovers(cluster), []);
});

/** Every example is served; what it listens on and refers to is its own. */
async function applyExamples(t: ExecutionContext, cluster: Cluster): Promise<void> {
  await cluster.kubectl('create', 'namespace', 'team-a');
  t.teardown(() => cluster.kubectl('delete', 'namespace', 'team-a', '--timeout=120s'));
  for await (const file of glob('*.yaml', { cwd: examples })) {
    await cluster.apply(await readFile(join(examples, file), 'utf8'));
    const objects = await cluster.kubectl('get', 'headgate', '-n', 'team-a', '-o', 'name');
    const elsewhere = await cluster.kubectl('get', 'headgate', '-o', 'name');
    for (const [namespace, names] of [
      ['team-a', objects],
      [cluster.namespace, elsewhere],
    ] as const) {
      if (names === '') continue;
      const wait = ['wait', '--for=condition=Programmed', '--timeout=60s', '-n', namespace];
      const waited = await cluster.tryKubectl([...wait, ...names.split('\n').filter(Boolean)]);
      t.is(waited.code, 0, `${file}: ${waited.stderr}`);
    }
    t.not(`${objects}${elsewhere}`, '', file);
    await cluster.kubectl('delete', '--ignore-not-found', '-f', join(examples, file));
  }
}

function isProgrammed(object: unknown, generation: number): boolean {
  const { conditions } = statusOf(object);
  return (
    Array.isArray(conditions) &&
    conditions.some(
      (condition) =>
        condition.type === 'Programmed' &&
        condition.status === 'True' &&
        condition.observedGeneration === generation,
    )
  );
}

function statusOf(object: unknown): Record<string, unknown> {
  const status = isRecord(object) ? object['status'] : null;
  return isRecord(status) ? status : {};
}

function propagationOf(object: unknown): Record<string, unknown> {
  const { propagation } = statusOf(object);
  return isRecord(propagation) ? propagation : {};
}

/** Its Service comes after the first Programmed, and goes with it. */
async function untilServiceIs(cluster: Cluster, name: string, there: boolean): Promise<void> {
  const service = `service/fp-${cluster.namespace}-${name}`;
  const condition = there ? 'create' : 'delete';
  await cluster.kubectl(
    'wait',
    '-n',
    headgateNamespace,
    `--for=${condition}`,
    '--timeout=60s',
    service,
  );
}

/** Everything of ours in the cluster, of every kind that can be listed. */
async function leftovers(cluster: Cluster): Promise<readonly string[]> {
  const kinds = await cluster.kubectl('api-resources', '--verbs=list', '-o', 'name');
  const listed = kinds.split('\n').filter((kind) => kind !== '' && !kind.startsWith('events'));
  const found = await cluster.kubectl(
    'get',
    listed.join(','),
    '-A',
    '-l',
    'app.kubernetes.io/name=headgate',
    '-o',
    'name',
    '--ignore-not-found',
  );
  return found.split('\n').filter((line) => line !== '');
}
