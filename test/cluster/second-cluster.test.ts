import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { type Finished, run } from '../support/run.ts';

const root = join(import.meta.dirname, '../..');
const hasDocker = (await run('sh', ['-c', 'docker info']).catch(() => null))?.code === 0;
// kind has its own ways to clean up.
const onLocalNode = hasDocker ? test.skip : test;

onLocalNode(
  'another cluster stands beside the first and leaves nothing when it goes',
  async (t) => {
    const name = `beside-${randomBytes(3).toString('hex')}`;
    const cluster = (...args: readonly string[]): Promise<Finished> =>
      run(join(root, 'hack/cluster'), args, { env: { HEADGATE_CLUSTER: name } });
    t.teardown(() => cluster('down'));

    const up = await cluster('up');
    t.is(up.code, 0, up.stdout + up.stderr);
    const again = await cluster('up');
    t.regex(again.stdout, /runs: export KUBECONFIG=/);
    const restarted = await cluster('restart', 'kube-apiserver');
    t.is(restarted.code, 0, restarted.stderr);
    const nodes = await cluster('kubectl', 'get', 'nodes', '--output=name');
    t.is(nodes.stdout, `node/${name}-node\n`);

    const down = await cluster('down');

    t.is(down.code, 0, down.stderr);
    t.deepEqual(await tracesOf(name), []);
  },
);

/** Where the name of a cluster that is gone still stands. */
async function tracesOf(name: string): Promise<readonly string[]> {
  const mounts = (await readFile('/proc/self/mounts', 'utf8')).split('\n');
  const namespaces = existsSync('/run/netns') ? await readdir('/run/netns') : [];
  const files = [`/var/lib/headgate-clusters/${name}`, join(root, '.cache/cluster', name)];
  const { stdout: groups } = await run('find', ['/sys/fs/cgroup', '-name', `*${name}*`]);
  return [
    ...[...mounts, ...namespaces, ...(await commandLines())].filter((line) => line.includes(name)),
    ...files.filter((file) => existsSync(file)),
    ...groups.split('\n').filter((line) => line !== ''),
  ];
}

/** Of every process; one that ends meanwhile is gone. */
async function commandLines(): Promise<readonly string[]> {
  const processes = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry));
  return await Promise.all(
    processes.map((id) => readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '')),
  );
}
