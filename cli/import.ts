import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { Command, Option } from 'commander';
import { stringify } from 'yaml';
import { errorCode, reasonOf } from '../operator/directory/find-files.ts';
import { createValidator } from '../operator/schema/validator.ts';
import { CommandFailed } from './exit-codes.ts';
import { importApisix } from './import-apisix/import-apisix.ts';
import type { Input } from './import-apisix/read-objects.ts';
import { formatFinding } from './import-apisix/reader.ts';
import type { WrittenMirrorRoute } from './import-apisix/written.ts';
import { dnsLabel, wholeNumber } from './options.ts';
import { printable } from './printable.ts';

type ImportOptions = {
  readonly namespace: string;
  readonly port: number;
  readonly pool: string;
  readonly output: 'yaml' | 'json';
  readonly partial?: true;
};

export function importCommand(): Command {
  return new Command('import')
    .description('Write resources that do what the configuration of something else does.')
    .addCommand(apisixCommand());
}

function apisixCommand(): Command {
  return new Command('apisix')
    .description('Turn routes of APISIX with the plugin proxy-mirror into MirrorRoutes.')
    .argument('<file...>', 'YAML or JSON; - is standard input')
    .option('-n, --namespace <namespace>', 'of routes that name none', dnsLabel, 'default')
    .option('--port <n>', 'port of the listener', wholeNumber(1, 65_535), 9080)
    .option('--pool <name>', 'pool that serves the routes', dnsLabel, 'default')
    .option('--partial', 'print the rest, which then gets requests of what was refused')
    .addOption(
      new Option('-o, --output <format>', 'how to print').choices(['yaml', 'json']).default('yaml'),
    )
    .addHelpText(
      'after',
      `
Read are ApisixRoute, ApisixPluginConfig, ApisixUpstream, PluginConfig, HTTPRoute and Service, routes,
upstreams, services and plugin configs of the Admin API, apisix.yaml, adc.yaml, and of config.yaml the
time-outs of proxy-mirror. Give everything that routes refer to. All routes of a namespace become one
MirrorRoute, since they share a port.

The MirrorRoutes go to standard output. What was changed or needs a look goes to standard error, as
file:line: message. What cannot be carried over is refused there: then the exit code is 1, and
nothing is printed unless --partial is given.

Examples:
  $ headgate import apisix routes.yaml config.yaml > mirrors.yaml
  $ kubectl get apisixroutes,apisixupstreams,apisixpluginconfigs,services -n shop -o yaml \\
      | headgate import apisix - | kubectl apply -f -
  $ curl -s -H "X-API-KEY: $KEY" http://127.0.0.1:9180/apisix/admin/routes \\
      | headgate import apisix - --namespace shop`,
    )
    .action(run);
}

async function run(files: readonly string[], options: ImportOptions): Promise<void> {
  const inputs: Input[] = [];
  for (const file of files) inputs.push(await readInput(file));
  const { routes, findings } = importApisix(inputs, options, createValidator());

  for (const finding of findings) process.stderr.write(`${printable(formatFinding(finding))}\n`);
  const refused = findings.filter((finding) => finding.refused).length;
  if (refused === 0 || options.partial) process.stdout.write(format(routes, options.output));
  if (refused === 0) return;
  const what = refused === 1 ? '1 thing was refused' : `${refused} things were refused`;
  const hint = options.partial
    ? ': their requests find whatever other rule is for them, without what was refused (a password, say)'
    : '; --partial prints the rest';
  throw new CommandFailed('refused', `${what}${hint}`);
}

/** Parsing takes seconds where it is more. */
const maxBytes = 16_777_216;

async function readInput(file: string): Promise<Input> {
  const isStandardInput = file === '-';
  const bytes = isStandardInput
    ? await buffer(process.stdin)
    : await readFile(file).catch(explainUnread(file));
  if (bytes.byteLength > maxBytes) {
    throw new CommandFailed('refused', `${file} is larger than 16 MiB: give it in parts`);
  }
  return { file: isStandardInput ? 'stdin' : file, bytes };
}

function explainUnread(file: string) {
  return (cause: unknown): never => {
    const isDirectory = errorCode(cause) === 'EISDIR';
    const reason = isDirectory ? 'is a directory: give its files' : reasonOf(cause);
    throw new CommandFailed('refused', `${file}: ${reason}`, { cause });
  };
}

function format(routes: readonly WrittenMirrorRoute[], output: 'yaml' | 'json'): string {
  if (output === 'yaml') {
    return routes
      .map((route) => stringify(route, { lineWidth: 0, aliasDuplicateObjects: false }))
      .join('---\n');
  }
  if (routes.length === 0) return '';
  const [first] = routes;
  const value = routes.length === 1 ? first : { apiVersion: 'v1', kind: 'List', items: routes };
  return `${JSON.stringify(value, null, 2)}\n`;
}
