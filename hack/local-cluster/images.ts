import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { build, forImages } from '../build.ts';
import { settingsOf } from './dockerfile.ts';
import {
  app,
  librariesOf,
  packagesKey,
  programFile,
  putFile,
  putNode,
  putPackages,
  putPrograms,
  putSystem,
} from './image-contents.ts';
import { type Image, type Layer, makeLayer, writeImage } from './oci-image.ts';

// Writes a set of images as OCI layouts and prints `NAME DIGEST DIRECTORY` for each: what the Dockerfile
// makes, for machines without an engine.

const root = join(import.meta.dirname, '../..');
const dockerfile = await readFile(join(root, 'Dockerfile'), 'utf8');
const [set = '', out = '', cache = ''] = process.argv.slice(2);

const testPrograms = [
  ...['sh', 'curl', 'sleep', 'cat', 'ls', 'env', 'id', 'date', 'head', 'tail', 'grep', 'wc'],
  ...['seq', 'timeout', 'true', 'test', 'mkdir', 'rm', 'sed', 'sha256sum'],
];

const imagesOf: Readonly<Record<string, () => Promise<readonly Image[]>>> = {
  system: async () => [
    await onlyBinary('headgate-cluster-pause:1', 'pause', join(cache, 'kubernetes/pause')),
    await onlyBinary('headgate-cluster-coredns:1', 'coredns', join(cache, 'kubernetes/coredns')),
  ],
  async test() {
    const node = join(root, 'node_modules/node/bin/node');
    const shared = [
      await layer('system', await keyOf([node]), (to) => putSystem(to, [node])),
      await layer('node', await packagesKey(), putNode),
    ];
    return [
      await headgate(shared),
      await testTools(shared),
      await onlyBinary('nats:2.15.1', 'nats-server', join(cache, 'nats-server/nats-server')),
    ];
  },
};

async function headgate(shared: readonly Layer[]): Promise<Image> {
  const packages = await layer('packages', await packagesKey(), putPackages);
  // Types are another check's matter.
  const dist = await layer('dist', null, async (to) => {
    build(join(to, app, 'dist'), ...forImages, '--noCheck');
  });
  return {
    name: 'docker.io/library/headgate:0.1.0',
    layers: [...shared, packages, dist],
    settings: settingsOf(dockerfile, 'headgate'),
  };
}

async function testTools(shared: readonly Layer[]): Promise<Image> {
  const programs = testPrograms.map(programFile);
  const tools = await layer('test-tools', await keyOf(programs), async (to) => {
    await putPrograms(to, programs);
  });
  return {
    name: 'docker.io/library/headgate-test:1',
    layers: [...shared, tools],
    settings: settingsOf(dockerfile, 'test-tools'),
  };
}

/** An image of one static program. */
async function onlyBinary(name: string, program: string, file: string): Promise<Image> {
  const only = await layer(program, await keyOf([file]), (to) => putFile(to, file));
  return {
    name: `docker.io/library/${name}`,
    layers: [only],
    settings: { Entrypoint: [`/${program}`], Env: ['PATH=/'] },
  };
}

function layer(name: string, key: string | null, fill: (to: string) => Promise<void>) {
  return makeLayer(out, name, key, fill);
}

/** What changes when one of these files, or a library it loads, does. */
async function keyOf(files: readonly string[]): Promise<string> {
  const all = [...files, ...(await librariesOf(files))];
  const described = await Promise.all(
    all.map(async (file) => {
      const { size, mtimeMs } = await stat(file);
      return `${file} ${size} ${mtimeMs}`;
    }),
  );
  return described.join('\n');
}

const makeSet = imagesOf[set];
if (makeSet === undefined || out === '' || cache === '') {
  process.stderr.write(`usage: images.ts ${Object.keys(imagesOf).join('|')} OUT CACHE\n`);
  process.exit(2);
}
await mkdir(out, { recursive: true });
for (const image of await makeSet()) {
  const { name, digest, directory } = await writeImage(out, image);
  process.stdout.write(`${name} ${digest} ${directory}\n`);
}
