import { execFile, spawn } from 'node:child_process';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { join, relative, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

const root = join(import.meta.dirname, '..');
const { values } = parseArgs({
  options: { check: { type: 'boolean', default: false }, directory: { type: 'string' } },
});

/** Something to type, and what then can be seen. */
type Line = { readonly about: string; readonly command: string; readonly shows: RegExp };

const origin = await startOrigin();
const usualPort = 3128;
const proxyPort = await portNear(usualPort);
const adminPort = await portNear(9127);
// One that runs already has the usual port, and the usual directory.
const usual = proxyPort === usualPort ? 'quickstart' : `quickstart-${proxyPort}`;
const home = resolve(values.directory ?? join(root, '.headgate', usual));
const resources = join(home, 'resources');
const data = join(home, 'data');
const yaml = join(resources, 'forward-proxy.yaml');
await copyExample();
const headgate = await startHeadgate();
const lines = linesToTry();
const [first] = lines;
if (first === undefined) throw new Error('no lines to try');
say(`\nOne request through the proxy:\n\n  $ ${first.command}`);
say(`  ${(await attempt(first)).trim()}`);
say('\nTry, in another terminal:\n');
for (const { about, command } of lines) say(`# ${about}\n${command}\n`);

if (values.check) {
  for (const line of lines) {
    await attempt(line);
    say(`works: ${line.about}`);
  }
  process.exitCode = 0;
  await stop();
} else {
  say(`Files: ${shown(home)} (resources, data, access.log). Ctrl-C ends it.`);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => void stop());
  }
}

function linesToTry(): readonly Line[] {
  // A proxy for loopback is what curl would leave out where NO_PROXY names loopback.
  // biome-ignore lint/style/noProcessEnv: curl reads it, so we look too
  const noProxy = process.env['NO_PROXY'] ?? process.env['no_proxy'];
  const curl = noProxy === undefined ? 'curl -s' : "curl -s --noproxy ''";
  const proxy = `127.0.0.1:${proxyPort}`;
  const url = `http://localhost:${portOf(origin)}/hello`;
  const file = shown(yaml);
  const hello = /hello from the origin/;
  return [
    { about: 'a plain request', command: `${curl} -x http://${proxy} ${url}`, shows: hello },
    { about: 'a CONNECT tunnel', command: `${curl} -p -x http://${proxy} ${url}`, shows: hello },
    {
      about: 'SOCKS5, on the same port; the proxy resolves the name',
      command: `${curl} --socks5-hostname ${proxy} ${url}`,
      shows: hello,
    },
    {
      about: 'what it counted',
      command: `${curl} http://127.0.0.1:${adminPort}/metrics | grep ^headgate_`,
      shows: /^headgate_\w+/m,
    },
    {
      about: 'what it runs',
      command: `${shown(join(root, 'cli/headgate'))} get --data ${shown(data)}`,
      shows: /quickstart/,
    },
    {
      about: 'forbid loopback again: an edit reloads without closing anything',
      command: `sed -i.bak 's|allowCIDRs: .*|allowCIDRs: []|' ${file}`,
      shows: /^$/,
    },
    {
      about: 'now the same request is refused, and the answer names the field to change',
      command: `${curl} -x http://${proxy} ${url}`,
      shows: /addressPolicy/,
    },
    { about: 'and allow it again', command: `mv ${file}.bak ${file}`, shows: /^$/ },
    { about: 'as before', command: `${curl} -x http://${proxy} ${url}`, shows: hello },
  ];
}

/** Runs a line until it shows what it should; an edit takes a moment to be in force. */
async function attempt({ about, command, shows }: Line): Promise<string> {
  const deadlineMs = performance.now() + 10_000;
  for (;;) {
    const output = await shell(command);
    if (shows.test(output)) return output;
    if (performance.now() > deadlineMs) {
      await stop('SIGKILL');
      throw new Error(`does not work: ${about}\n$ ${command}\n${output}`);
    }
  }
}

function shell(command: string): Promise<string> {
  return new Promise((resolve) => {
    const options = { cwd: process.cwd(), timeout: 10_000 };
    execFile('sh', ['-c', command], options, (_failure, stdout) => resolve(stdout));
  });
}

async function copyExample(): Promise<void> {
  await rm(home, { recursive: true, force: true });
  await mkdir(home, { recursive: true });
  await cp(join(root, 'crds/examples/quickstart'), resources, { recursive: true });
  const example = await readFile(yaml, 'utf8');
  await writeFile(yaml, example.replace(/port: 3128$/m, `port: ${proxyPort}`));
}

async function startHeadgate() {
  const args = ['up', '-f', resources, '--data', data, '--admin', `127.0.0.1:${adminPort}`];
  say(`$ headgate ${args.map((arg) => (arg.startsWith('/') ? shown(arg) : arg)).join(' ')}`);
  const quiet = ['--access-log', join(home, 'access.log'), '--log-level', 'warn'];
  // A process group of its own: Ctrl-C on a terminal would reach it twice, and twice means at once.
  const child = spawn(join(root, 'cli/headgate'), [...args, ...quiet], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  child.once('exit', (code) => {
    say(`headgate up has ended (${code})`);
    origin.close();
    origin.closeAllConnections();
    if (process.exitCode === undefined) process.exitCode = code ?? 1;
  });
  const ready = new Promise<void>((resolve, reject) => {
    child.once('exit', () => reject(new Error('headgate up ended before it was ready')));
    createInterface({ input: child.stdout }).on('line', (line) => {
      say(line);
      if (line === 'ready') resolve();
    });
  });
  await ready;
  return child;
}

/** Ends the proxy, and with it, this process. */
async function stop(signal: NodeJS.Signals = 'SIGINT'): Promise<void> {
  if (headgate.exitCode !== null) return;
  const exited = new Promise((resolve) => headgate.once('exit', resolve));
  process.exitCode = values.check && signal === 'SIGKILL' ? 1 : 0;
  headgate.kill(signal);
  await exited;
}

async function startOrigin(): Promise<Server> {
  const server = createServer((request, response) => {
    response.end(`hello from the origin: ${request.method} ${request.url}\n`);
  });
  const port = await portNear(8000);
  await new Promise<void>((listening) => server.listen(port, '127.0.0.1', listening));
  return server;
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string')
    throw new Error('the origin does not listen');
  return address.port;
}

/** `port`, or the next one that is free. */
async function portNear(port: number): Promise<number> {
  for (let candidate = port; candidate < port + 1_000; candidate += 1) {
    if (await isFree(candidate)) {
      if (candidate !== port) say(`port ${port} is taken; using ${candidate}`);
      return candidate;
    }
  }
  throw new Error(`no free port from ${port} on`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createTcpServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** As it can be typed from where we are. */
function shown(path: string): string {
  const fromHere = relative(process.cwd(), path);
  return fromHere.startsWith('..') ? path : fromHere;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
