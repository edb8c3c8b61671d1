import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import bcrypt from 'bcrypt';
import { Command } from 'commander';
import { CommandFailed } from './exit-codes.ts';
import { wholeNumber } from './options.ts';

/** bcrypt looks at no more; a longer password would be true for everyone who knows its beginning. */
const maxPasswordBytes = 72;

export function htpasswdCommand(): Command {
  return new Command('htpasswd')
    .description('Print the htpasswd line of a user, for the key "auth" of a Secret.')
    .argument('<user>', 'name the user logs in with')
    .option(
      '--cost <n>',
      'bcrypt cost: each step doubles the work of a log-in',
      wholeNumber(4, 14),
      10,
    )
    .addHelpText(
      'after',
      `
The password is read from standard input, or asked for twice on a terminal. It is not shown.

Examples:
  $ headgate htpasswd ann
  $ printf %s "$PASSWORD" | headgate htpasswd ann >> users
  $ kubectl create secret generic egress-users --from-file=auth=users

In a directory of YAML files:
  apiVersion: v1
  kind: Secret
  metadata: {name: egress-users, namespace: team-a}
  stringData:
    auth: |
      ann:$2y$10$...`,
    )
    .action(async (user: string, { cost }: { readonly cost: number }) => {
      checkUser(user);
      const password = process.stdin.isTTY ? await askTwice() : await readFirstLine();
      checkPassword(password);
      const hash = await bcrypt.hash(password, cost);
      // What it calls $2b$ is what htpasswd calls $2y$; every reader knows the latter.
      process.stdout.write(`${user}:${hash.replace(/^\$2b\$/, '$2y$$')}\n`);
    });
}

function checkUser(user: string): void {
  if (user === '' || /[:\s\p{Cc}]/u.test(user)) {
    throw new CommandFailed('refused', 'a user name holds no colon, blank or control character');
  }
  if (Buffer.byteLength(user) > 255) {
    throw new CommandFailed('refused', 'a user name has at most 255 bytes: SOCKS5 carries no more');
  }
}

function checkPassword(password: string): void {
  if (password === '') throw new CommandFailed('refused', 'the password is empty');
  if (Buffer.byteLength(password) > maxPasswordBytes) {
    throw new CommandFailed(
      'refused',
      `the password has more than ${maxPasswordBytes} bytes, which bcrypt would cut off`,
    );
  }
  if (password.includes('\0')) {
    throw new CommandFailed('refused', 'the password holds a NUL, at which bcrypt would stop');
  }
}

async function readFirstLine(): Promise<string> {
  const [line = '', ...rest] = (await text(process.stdin)).replace(/\r?\n$/, '').split('\n');
  if (rest.length > 0) {
    throw new CommandFailed(
      'refused',
      'standard input holds more than one line: give one password',
    );
  }
  return line;
}

async function askTwice(): Promise<string> {
  const password = await ask('Password: ');
  const again = await ask('Again: ');
  if (password === again) return password;
  throw new CommandFailed('refused', 'the passwords differ');
}

/** Asks on the terminal without showing what is typed. */
function ask(prompt: string): Promise<string> {
  const silence = new Writable({ write: (_chunk, _encoding, done) => done() });
  const reader = createInterface({ input: process.stdin, output: silence, terminal: true });
  process.stderr.write(prompt);
  return new Promise((resolve, reject) => {
    reader.once('SIGINT', () => {
      reader.close();
      reject(new CommandFailed('interrupted', 'interrupted'));
    });
    reader.question('', (answer) => {
      reader.close();
      process.stderr.write('\n');
      resolve(answer);
    });
  });
}
