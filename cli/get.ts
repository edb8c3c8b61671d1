import { Command, Option } from 'commander';
import { stringify } from 'yaml';
import type { Kind } from '../contracts/kinds/all-kinds.ts';
import { CommandFailed } from './exit-codes.ts';
import { findKind, namesOfKinds } from './find-kind.ts';
import { findInLog } from './get-from-log.ts';
import { openLog } from './open-log.ts';
import type { OutputFormat } from './options.ts';
import {
  choosePlace,
  type Place,
  type PlaceOptions,
  type ProgramName,
  placeHelp,
  withPlaceOptions,
} from './place.ts';
import { byKey, formatTable, type ShownResource } from './resource-table.ts';

type GetOptions = PlaceOptions & { readonly output: OutputFormat; readonly watch?: boolean };

/** Which resources are asked for; `null`: all. */
export type GetQuery = {
  readonly kind: Kind | null;
  readonly name: string | null;
  readonly namespace: string | null;
};

/** Where resources are found. */
export type Resources = AsyncDisposable & {
  list(query: GetQuery): Promise<readonly ShownResource[]>;
  /** What changes after `list`, as it is then. What is removed is not told. */
  changes(query: GetQuery, signal: AbortSignal): AsyncIterable<ShownResource>;
};

export function getCommand(program: ProgramName): Command {
  const command = new Command('get')
    .description('Show resources with their status.')
    .argument('[kind]', `${namesOfKinds()}; without it, everything`)
    .argument('[name]', 'one resource of that kind')
    .option('-w, --watch', 'go on printing what changes until interrupted')
    .addOption(
      new Option('-o, --output <format>', 'how to print')
        .choices(['table', 'wide', 'json', 'yaml'])
        .default('table'),
    );
  return withPlaceOptions(command)
    .addHelpText(
      'after',
      `
ACCEPTED says whether the newest version was taken over, PROGRAMMED whether the pods serve the
version in force. -o wide adds that version's sequence in the log and the messages. From a cluster,
which is read through its API server alone, json and yaml have the spec; from a log, the
configuration in force: the same with defaults applied.
${placeHelp}
In a cluster only one namespace is shown without -A, as kubectl does.

Examples:
  $ ${program} get
  $ ${program} get fp egress -n team-a -o yaml
  $ ${program} get fp -A --watch
  $ ${program} get -o json | jq '.items[].status.conditions'`,
    )
    .action((kind: string | undefined, name: string | undefined, options: GetOptions) =>
      get(kind, name, options, choosePlace(options, program)),
    );
}

async function get(
  kindName: string | undefined,
  name: string | undefined,
  options: GetOptions,
  place: Place,
): Promise<void> {
  const kind = kindName === undefined ? null : findKind(kindName);
  const { output, watch = false } = options;
  await using resources = await openResources(place, output);
  const query = { kind, name: name ?? null, namespace: namespaceOf(options, resources) };
  const found = [...(await resources.list(query))].sort(byKey);
  if (name !== undefined && found.length === 0) {
    throw new CommandFailed('refused', `${kindName} "${name}" not found`);
  }
  const isOne = name !== undefined && found.length === 1;
  if (!watch) return print(found, output, isOne);
  await printChanges(resources, query, found, output);
}

/** In a cluster one is meant where none is named. */
function namespaceOf(
  { namespace, allNamespaces }: GetOptions,
  resources: OpenedResources,
): string | null {
  return namespace ?? (allNamespaces === true ? null : resources.namespace);
}

type OpenedResources = Resources & {
  /** `null`: all. */
  readonly namespace: string | null;
};

async function openResources(place: Place, output: OutputFormat): Promise<OpenedResources> {
  if (place.is === 'cluster') {
    const { openClusterResources } = await import('./cluster/cluster-resources.ts');
    return openClusterResources(place);
  }
  const withConfig = output === 'json' || output === 'yaml';
  return { ...findInLog(await openLog(place), withConfig), namespace: null };
}

const write = (text: string) => process.stdout.write(`${text.trimEnd()}\n`);

function print(found: readonly ShownResource[], output: OutputFormat, isOne: boolean): void {
  if (output === 'table' || output === 'wide') {
    if (found.length === 0) process.stderr.write('No resources found\n');
    else write(formatTable(found, output === 'wide'));
    return;
  }
  const objects = found.map(({ object }) => object);
  const value = isOne ? objects[0] : { apiVersion: 'v1', kind: 'List', items: objects };
  write(format(value, output));
}

function format(value: unknown, output: 'json' | 'yaml'): string {
  return output === 'json' ? JSON.stringify(value, null, 2) : stringify(value);
}

/** One row, or one object, for each change. */
async function printChanges(
  resources: Resources,
  query: GetQuery,
  found: readonly ShownResource[],
  output: OutputFormat,
): Promise<void> {
  const stop = new AbortController();
  const end = () => stop.abort();
  process.once('SIGINT', end).once('SIGTERM', end);
  process.stdout.once('error', end);

  const isTable = output === 'table' || output === 'wide';
  let before = found;
  if (isTable && found.length > 0) write(formatTable(found, output === 'wide'));
  if (!isTable) for (const { object } of found) write(asDocument(object, output));
  for await (const changed of resources.changes(query, stop.signal)) {
    if (isTable) write(formatTable([changed], output === 'wide', before));
    else write(asDocument(changed.object, output));
    // Under the heads that were printed first.
    if (before.length === 0) before = [changed];
  }
  process.off('SIGINT', end).off('SIGTERM', end);
}

function asDocument(object: unknown, output: 'json' | 'yaml'): string {
  return output === 'json' ? JSON.stringify(object) : `---\n${stringify(object)}`;
}
