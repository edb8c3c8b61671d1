import test from 'ava';
import { type ClientWorld, startClientWorld } from '../support/client-world.ts';
import { ask, hasPython, python, pythonScript } from '../support/clients.ts';
import { fileScope } from '../support/scope.ts';

const scope = fileScope();
let world: ClientWorld;
const pythonTest = hasPython ? test : test.skip;
const why = hasPython ? '' : ' (no .cache/venv: run hack/test once)';

test.before('a proxy, two origins and a name server', async () => {
  if (hasPython) world = await startClientWorld(scope);
});

const get = (library: string, proxy: string, url: string, ...ca: readonly string[]) =>
  ask(python, [pythonScript, library, proxy, url, ...ca]);

const hello = { status: 200, body: 'hello from the origin\n' };

const ways = [
  ['requests', 'http'],
  ['requests', 'socks4a'],
  ['requests', 'socks5'],
  ['requests', 'socks5h'],
  ['urllib', 'http'],
] as const;

for (const [library, scheme] of ways) {
  // socks5:// resolves at the client, who has never heard of origin.test.
  const host = scheme === 'socks5' ? 'localhost' : 'origin.test';

  pythonTest(
    `Python ${library} with ${scheme}:// reaches HTTP and TLS origins${why}`,
    async (t) => {
      const { open, plain, secure, certificates } = world;
      const proxy = `${scheme}://${open}`;

      t.deepEqual(await get(library, proxy, `http://${host}:${plain.port}/`), hello);
      t.deepEqual(
        await get(library, proxy, `https://${host}:${secure.port}/`, certificates.caFile),
        hello,
      );
    },
  );

  if (scheme === 'socks4a') continue;

  pythonTest(`Python ${library} with ${scheme}:// needs the right password${why}`, async (t) => {
    const { closed, plain } = world;
    const url = `http://${host}:${plain.port}/`;

    t.deepEqual(await get(library, `${scheme}://alice:wonderland@${closed}`, url), hello);

    const refused = await get(library, `${scheme}://alice:looking-glass@${closed}`, url);
    if (scheme === 'http') t.is(refused.status, 407);
    else t.regex(refused.error ?? '', /SOCKS5 authentication failed/);
  });
}
