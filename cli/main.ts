import { Command, CommanderError } from 'commander';
import { createLog } from '../runtime/log.ts';
import { eventsCommand } from './events.ts';
import { type ExitName, exitCodes, exitCodesHelp } from './exit-codes.ts';
import { exitNow } from './exit-now.ts';
import { toFailure } from './failures.ts';
import { getCommand } from './get.ts';
import { htpasswdCommand } from './htpasswd.ts';
import { upCommand } from './up.ts';
import { validateCommand } from './validate.ts';
import { readVersion, versionCommand } from './version.ts';

const program = new Command('headgate')
  .description(
    'Event-sourced operator for proxies. `headgate up` runs all of it on one machine: YAML files in,\nproxies out, every decision in a log.',
  )
  .version(readVersion(), '-V, --version', 'print the version')
  .addHelpText(
    'after',
    `
Start here:
  $ headgate validate -f crds/examples/quickstart
  $ headgate up -f crds/examples/quickstart
  $ headgate get
  $ headgate events --follow

${exitCodesHelp()}`,
  )
  .showHelpAfterError('(--help shows what can be written)');

const commands = [
  upCommand(),
  validateCommand(),
  getCommand(),
  eventsCommand(),
  htpasswdCommand(),
  versionCommand(),
];
for (const command of commands) {
  command
    .exitOverride()
    .showHelpAfterError(`(headgate ${command.name()} --help shows what can be written)`);
  program.addCommand(command);
}
program.exitOverride();

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
