import test from 'ava';
import { type ClientWorld, startClientWorld } from '../support/client-world.ts';
import { ask, goClient, hasGoClient } from '../support/clients.ts';
import { fileScope } from '../support/scope.ts';

const scope = fileScope();
let world: ClientWorld;
const goTest = hasGoClient ? test : test.skip;
const why = hasGoClient ? '' : ' (no .cache/clients/go-client: needs Go, then run hack/test once)';

test.before('a proxy, two origins and a name server', async () => {
  if (hasGoClient) world = await startClientWorld(scope);
});

for (const scheme of ['http', 'socks5']) {
  goTest(
    `Go net/http with ${scheme}:// reaches an HTTP origin over one kept connection${why}`,
    async (t) => {
      const { open, plain } = world;
      const url = `http://origin.test:${plain.port}/`;

      const answer = await ask(goClient, ['-proxy', `${scheme}://${open}`, '-count', '5', url]);

      t.deepEqual(answer, { status: 200, body: 'hello from the origin\n', connections: 1 });
    },
  );

  goTest(`Go net/http with ${scheme}:// reaches a TLS origin${why}`, async (t) => {
    const { open, secure, certificates } = world;
    const url = `https://origin.test:${secure.port}/`;

    const answer = await ask(goClient, [
      '-proxy',
      `${scheme}://${open}`,
      '-ca',
      certificates.caFile,
      url,
    ]);

    t.deepEqual(answer, { status: 200, body: 'hello from the origin\n', connections: 1 });
  });

  goTest(`Go net/http with ${scheme}:// needs the right password${why}`, async (t) => {
    const { closed, secure, certificates } = world;
    const get = (password: string) =>
      ask(goClient, [
        ...['-proxy', `${scheme}://alice:${password}@${closed}`, '-ca', certificates.caFile],
        `https://origin.test:${secure.port}/`,
      ]);

    t.like(await get('wonderland'), { status: 200 });
    t.regex(
      (await get('looking-glass')).error ?? '',
      /Proxy Authentication Required|username\/password/,
    );
  });
}
