import test from 'ava';
import { type ClientWorld, startClientWorld } from '../support/client-world.ts';
import { run } from '../support/run.ts';
import { fileScope } from '../support/scope.ts';

// One proxy serves the file: each test is one run of curl.
const scope = fileScope();
let world: ClientWorld;

test.before('a proxy, two origins and a name server', async () => {
  world = await startClientWorld(scope);
});

type Case = {
  /** Given `127.0.0.1:PORT` of the proxy. */
  readonly proxy: (address: string) => readonly string[];
  /** Only a name that the proxy resolves tells that it was the proxy. */
  readonly host: '127.0.0.1' | 'localhost' | 'origin.test';
  /** SOCKS4 has no passwords. */
  readonly authenticates: boolean;
};

const forms: Readonly<Record<string, Case>> = {
  '-x http://': { proxy: (at) => ['-x', `http://${at}`], host: 'origin.test', authenticates: true },
  '--proxytunnel': {
    proxy: (at) => ['-p', '-x', `http://${at}`],
    host: 'origin.test',
    authenticates: true,
  },
  '--socks4': { proxy: (at) => ['--socks4', at], host: '127.0.0.1', authenticates: false },
  '--socks4a': { proxy: (at) => ['--socks4a', at], host: 'origin.test', authenticates: false },
  '--socks5': { proxy: (at) => ['--socks5', at], host: '127.0.0.1', authenticates: true },
  '--socks5-hostname': {
    proxy: (at) => ['--socks5-hostname', at],
    host: 'origin.test',
    authenticates: true,
  },
};

const curl = (...args: readonly string[]) =>
  run('curl', ['--silent', '--show-error', '--max-time', '30', ...args]);

/** What curl says it was answered by a proxy: the status to CONNECT, or else to the request. */
const withStatus = ['--output', '/dev/null', '--write-out', '%{http_connect} %{http_code}'];

for (const [form, { proxy, host, authenticates }] of Object.entries(forms)) {
  test(`curl ${form} reaches an HTTP origin`, async (t) => {
    const { open, plain } = world;

    const answer = await curl(...proxy(open), `http://${host}:${plain.port}/`);

    t.deepEqual(answer, { code: 0, stdout: 'hello from the origin\n', stderr: '' });
  });

  test(`curl ${form} reaches a TLS origin, whose certificate it checks itself`, async (t) => {
    const { open, secure, certificates } = world;
    const trust = ['--cacert', certificates.caFile];

    const answer = await curl(...trust, ...proxy(open), `https://${host}:${secure.port}/`);

    t.deepEqual(answer, { code: 0, stdout: 'hello from the origin\n', stderr: '' });
  });

  if (authenticates) {
    test(`curl ${form} passes with credentials`, async (t) => {
      const { closed, plain } = world;
      const credentials = ['--proxy-user', 'alice:wonderland'];

      const answer = await curl(...credentials, ...proxy(closed), `http://${host}:${plain.port}/`);

      t.deepEqual(answer, { code: 0, stdout: 'hello from the origin\n', stderr: '' });
    });
  }

  for (const [title, credentials] of [
    ['without credentials', []],
    ['with a wrong password', ['--proxy-user', 'alice:looking-glass']],
    ['with an unknown user', ['--proxy-user', 'bob:wonderland']],
  ] as const) {
    test(`curl ${form} is refused ${title}`, async (t) => {
      const { closed, plain } = world;
      const path = `/refused/${encodeURIComponent(form)}/${encodeURIComponent(title)}`;

      const answer = await curl(
        ...withStatus,
        ...credentials,
        ...proxy(closed),
        `http://${host}:${plain.port}${path}`,
      );

      if (form.includes('socks')) t.is(answer.code, cannotCompleteSocks, answer.stderr);
      else t.regex(answer.stdout, /407/);
      t.false(plain.requests.some(({ url }) => url.includes(path)));
    });
  }
}

/** curl's exit code 97: a proxy handshake error. */
const cannotCompleteSocks = 97;

test('a 100 KB upload with Expect: 100-continue arrives whole', async (t) => {
  const { open, plain } = world;
  const args = ['-x', `http://${open}`, '-H', 'Expect: 100-continue', '--data-binary', '@-'];

  const answer = await run('curl', ['-sS', ...args, `${plain.url}/echo`], {
    input: 'x'.repeat(100_000),
  });

  t.is(answer.code, 0, answer.stderr);
  t.is(JSON.parse(answer.stdout).body.length, 100_000);
});

test('ten requests over one kept connection go through one connection of the proxy', async (t) => {
  const { open, plain } = world;
  const urls = Array.from({ length: 10 }, (_, index) => `${plain.url}/kept/${index}`);

  const answer = await curl('-x', `http://${open}`, '--write-out', '%{num_connects}\n', ...urls);

  t.is(answer.code, 0, answer.stderr);
  const connects = answer.stdout.split('\n').filter((line) => /^\d$/.test(line));
  t.deepEqual(connects, ['1', ...Array.from({ length: 9 }, () => '0')]);
});
