import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { build } from '../../hack/build.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { basicAuthentication, forwardProxy, usersSecret } from '../support/forward-proxy.ts';
import { startHeadgate } from '../support/headgate-up.ts';
import { installPackage } from '../support/npm-package.ts';
import { startOrigin } from '../support/origin.ts';
import { run } from '../support/run.ts';

const root = join(import.meta.dirname, '../..');

test('what `npm run build` makes serves, with threads, passwords and CRDs of its own', async (t) => {
  const app = await directory(t);
  const dist = join(app, 'dist');
  // Types are another suite's matter.
  build(dist, '--noCheck');
  await symlink(join(root, 'node_modules'), join(app, 'node_modules'));
  const origin = await startOrigin(t);
  const spec = { authentication: basicAuthentication };

  const up = await startHeadgate(t, {
    program: join(dist, 'cli/headgate'),
    resources: ([port = 0]) => forwardProxy({ port, spec }) + usersSecret({ alice: 'wonderland' }),
  });
  const proxy = ['--silent', '--proxy', `http://alice:wonderland@127.0.0.1:${up.port}`];
  const { stdout } = await run('curl', [...proxy, `${origin.url}/`]);

  t.is(stdout, 'hello from the origin\n');
});

test('whoever installs the package has the command, under both its names', async (t) => {
  const home = await directory(t);
  await installPackage(home);
  const { bin, version } = packageJson;

  for (const [name, file] of Object.entries(bin)) {
    await symlink(join(home, 'node_modules/headgate', file), join(home, name));
    const { code, stdout } = await run(join(home, name), ['version']);

    t.is(code, 0);
    t.true(stdout.startsWith(`headgate ${version} `), stdout);
  }
});

async function directory(t: ExecutionContext): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'headgate-build-'));
  t.teardown(() => rm(made, { recursive: true, force: true }));
  return made;
}
