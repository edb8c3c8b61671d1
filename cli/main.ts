import { Command, CommanderError } from 'commander';
import { createLog } from '../runtime/log.ts';
import { eventsCommand } from './events.ts';
import { type ExitName, exitCodes, exitCodesHelp } from './exit-codes.ts';
import { exitNow } from './exit-now.ts';
import { explainCommand } from './explain.ts';
import { toFailure } from './failures.ts';
import { getCommand } from './get.ts';
import { htpasswdCommand } from './htpasswd.ts';
import { importCommand } from './import.ts';
import type { ProgramName } from './place.ts';
import { upCommand } from './up.ts';
import { validateCommand } from './validate.ts';
import { readVersion, versionCommand } from './version.ts';

/** The launcher hands on what it was called: kubectl finds its plugins by such names. */
const name: ProgramName = process.title === 'kubectl-headgate' ? 'kubectl headgate' : 'headgate';

const startOnOneMachine = `  $ headgate validate -f crds/examples/quickstart
  $ headgate up -f crds/examples/quickstart
  $ headgate get
  $ headgate events --follow`;

const startOnACluster = `  $ kubectl headgate get -A
  $ kubectl headgate explain resource fp/egress -n team-a
  $ kubectl headgate events --follow`;

const program = new Command(name)
  .description(
    'Event-sourced operator for proxies. `headgate up` runs all of it on one machine: YAML files in, proxies out, every decision in a log.',
  )
  .version(readVersion(), '-V, --version', 'print the version')
  .addHelpText(
    'after',
    `
Start here:
${name === 'headgate' ? startOnOneMachine : startOnACluster}

${exitCodesHelp()}`,
  )
  .showHelpAfterError('(--help shows what can be written)');

const commands = [
  upCommand(),
  validateCommand(),
  getCommand(name),
  explainCommand(name),
  eventsCommand(name),
  importCommand(),
  htpasswdCommand(),
  versionCommand(),
];
for (const command of commands) {
  program.addCommand(explaining(command, name));
}
program.exitOverride();

/** Wrong command lines end with where to read on. */
function explaining(command: Command, path: string): Command {
  const full = `${path} ${command.name()}`;
  for (const under of command.commands) explaining(under, full);
  return command.exitOverride().showHelpAfterError(`(${full} --help shows what can be written)`);
}

/** A bug must end the process, not leave it hanging half alive. */
function crash(error: unknown): void {
  const log = createLog();
  log.error('internal error', { error });
  void log.flush().finally(() => exitNow(exitCodes.bug.code));
}
process.on('uncaughtException', crash);
process.on('unhandledRejection', crash);
// Whoever read our output has gone: that is no failure of ours.
process.stdout.on('error', () => undefined);

function end(name: ExitName): void {
  process.exitCode = exitCodes[name].code;
}

try {
  await program.parseAsync();
} catch (error) {
  const failure = toFailure(error);
  if (error instanceof CommanderError) {
    end(error.exitCode === 0 ? 'ok' : 'usage'); // it has said what is wrong
  } else if (failure === null) crash(error);
  else {
    process.stderr.write(`headgate: ${failure.message}\n`);
    end(failure.exit);
  }
}

/** Everything is closed by now; should something still hold the process, it is told to go. */
const lingerMs = 5000;
setTimeout(() => exitNow(Number(process.exitCode ?? 0)), lingerMs).unref();
