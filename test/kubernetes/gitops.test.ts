import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { startKubeApi } from '../support/kube-api.ts';
import { installPackage } from '../support/npm-package.ts';
import { run } from '../support/run.ts';

const root = join(import.meta.dirname, '../..');
const example = join(root, 'cdk8s/example/main.ts');
const serverSide = ['apply', '--server-side', '--validate=strict', '--filename'];

test('what the example app writes is taken by an API server, and then there is nothing to sync', async (t) => {
  const api = await startKubeApi(t);
  const output = await directory(t);
  await synth(t, example, output);
  const files = (await readdir(output)).sort().map((file) => join(output, file));

  for (const file of files) {
    const applied = await api.tryKubectl([...serverSide, file]);
    t.deepEqual([applied.code, applied.stderr], [0, '']);
    await api.kubectl('wait', '--for=condition=Established', 'crd', '--all');
  }

  t.deepEqual(
    files.map((file) => basename(file)),
    ['0000-headgate.k8s.yaml', '0001-team-web.k8s.yaml', '0002-team-builds.k8s.yaml'],
  );
  const names = ['get', 'forwardproxies', '-A', '-o', 'jsonpath={.items[*].metadata.namespace}'];
  t.is(await api.kubectl(...names), 'team-builds team-web');
  const diff = await api.tryKubectl(['diff', '--server-side', '--filename', output]);
  t.deepEqual([diff.code, diff.stdout, diff.stderr], [0, '', '']);
});

test('writing the example app twice gives the same bytes, so a pipeline commits no noise', async (t) => {
  const [first, second] = [await directory(t), await directory(t)];
  await synth(t, example, first);
  await synth(t, example, second);

  for (const file of await readdir(first)) {
    const [one, other] = [first, second].map((output) => readFile(join(output, file), 'utf8'));
    t.is(await one, await other);
  }
});

test('the example app and that of the documentation run and type-check against the package', async (t) => {
  const home = await directory(t);
  await installPackage(home);
  const source = (await readFile(example, 'utf8')).replace(
    "'../constructs.ts'",
    "'headgate/cdk8s'",
  );
  const page = await readFile(join(root, 'docs/install.md'), 'utf8');
  const [, shown = ''] = /^```ts\n(.*?)^```$/ms.exec(page) ?? [];
  await writeFile(join(home, 'main.ts'), source);
  await writeFile(join(home, 'shown.ts'), shown);
  await writeFile(join(home, 'package.json'), '{"type":"module"}');
  const options = { module: 'nodenext', strict: true, skipLibCheck: true, types: [], noEmit: true };
  await writeFile(
    join(home, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: options, files: ['main.ts', 'shown.ts'] }),
  );

  const types = await run(join(root, 'node_modules/.bin/tsc'), ['-p', home]);
  const [expected, output, outputShown] = [await directory(t), join(home, 'a'), join(home, 'b')];
  await synth(t, join(home, 'shown.ts'), outputShown);
  await synth(t, join(home, 'main.ts'), output);
  await synth(t, example, expected);

  t.deepEqual([types.code, types.stdout], [0, '']);
  t.true(source.includes('headgate/cdk8s'));
  t.is((await readdir(outputShown)).length, 2);
  t.is((await readdir(output)).length, 3);
  for (const file of await readdir(expected)) {
    t.is(await readFile(join(output, file), 'utf8'), await readFile(join(expected, file), 'utf8'));
  }
});

async function synth(t: ExecutionContext, app: string, output: string): Promise<void> {
  const env = { CDK8S_OUTDIR: output };
  const { code, stderr } = await run(process.execPath, [app], { env });
  t.deepEqual([code, stderr], [0, '']);
}

async function directory(t: ExecutionContext): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'headgate-gitops-'));
  t.teardown(() => rm(made, { recursive: true, force: true }));
  return made;
}
