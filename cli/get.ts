import { Command, Option } from 'commander';
import { stringify } from 'yaml';
import { findCondition } from '../contracts/conditions.ts';
import { allKinds, type Kind, kinds } from '../contracts/kinds/all-kinds.ts';
import { isStatusReported, type StatusReported } from '../contracts/status.ts';
import { formatAge, formatColumns, paintStatus } from './columns.ts';
import { CommandFailed } from './exit-codes.ts';
import { openLogReader, readSnapshot } from './open-log.ts';
import {
  dataOption,
  type LogPlace,
  logNameOption,
  natsOption,
  type OutputFormat,
} from './options.ts';
import { printable } from './printable.ts';

type GetOptions = LogPlace & { readonly namespace?: string; readonly output: OutputFormat };

export function getCommand(): Command {
  return new Command('get')
    .description('Show resources with their status, while `headgate up` runs and after it stopped.')
    .argument('[kind]', 'forwardproxies, forwardproxy or fp; without it, everything')
    .argument('[name]', 'one resource of that kind')
    .option('-n, --namespace <namespace>', 'only this namespace')
    .addOption(
      new Option('-o, --output <format>', 'how to print')
        .choices(['table', 'wide', 'json', 'yaml'])
        .default('table'),
    )
    .addOption(dataOption())
    .addOption(natsOption())
    .addOption(logNameOption())
    .addHelpText(
      'after',
      `
ACCEPTED says whether the newest version was taken over, PROGRAMMED whether the pods serve the
version in force. -o wide adds that version's sequence in the log and the messages.

Examples:
  $ headgate get
  $ headgate get fp egress -n team-a -o yaml
  $ headgate get -o json | jq '.items[].status.conditions'`,
    )
    .action(get);
}

async function get(kindName: string | undefined, name: string | undefined, options: GetOptions) {
  const kind = kindName === undefined ? null : findKind(kindName);
  const { reader, subjects } = await openLogReader(options);
  await using _ = reader;
  const { entries } = await readSnapshot(reader, [subjects.allStatus]);
  const all = entries.map(({ event }) => event.data).filter(isStatusReported);
  const found = all
    .filter((each) => kind === null || each.kind === kind)
    .filter((each) => name === undefined || each.name === name)
    .filter(({ namespace }) => (options.namespace ?? namespace) === namespace)
    .sort(byKey);
  if (name !== undefined && found.length === 0) {
    throw new CommandFailed('refused', `${kindName} "${name}" not found`);
  }
  print(found, options.output, name !== undefined && found.length === 1);
}

function findKind(text: string): Kind {
  const wanted = text.toLowerCase();
  const found = kinds.find((kind) => {
    const { plural, shortName } = allKinds[kind];
    return [kind.toLowerCase(), plural, shortName].includes(wanted);
  });
  if (found !== undefined) return found;
  const known = kinds.map((kind) => `${allKinds[kind].plural} (${allKinds[kind].shortName})`);
  throw new CommandFailed('usage', `there is no kind "${text}"; known: ${known.join(', ')}`);
}

function print(found: readonly StatusReported[], output: OutputFormat, single: boolean): void {
  const write = (text: string) => process.stdout.write(`${text.trimEnd()}\n`);
  if (output === 'table' || output === 'wide') {
    if (found.length === 0) process.stderr.write('No resources found\n');
    else write(table(found, output === 'wide'));
    return;
  }
  const objects = found.map(toObject);
  const value = single ? objects[0] : { apiVersion: 'v1', kind: 'List', items: objects };
  write(output === 'json' ? JSON.stringify(value, null, 2) : stringify(value));
}

function table(found: readonly StatusReported[], wide: boolean): string {
  const several = new Set(found.map(({ kind }) => kind)).size > 1;
  const heads = [
    'NAMESPACE',
    'NAME',
    'POOL',
    'ACCEPTED',
    'PROGRAMMED',
    'REASON',
    'ACKED',
    'PODS',
    'AGE',
  ];
  return formatColumns(
    wide ? [...heads, 'VERSION', 'MESSAGE'] : heads,
    found.map((each) => row(each, several, wide)),
  );
}

function row(each: StatusReported, several: boolean, wide: boolean): readonly string[] {
  const { kind, namespace, name, pool, createdAt, status } = each;
  const accepted = findCondition(status.conditions, 'Accepted');
  const programmed = findCondition(status.conditions, 'Programmed');
  const { propagation, configVersion } = status;
  const telling = accepted?.status === 'False' ? accepted : programmed;
  const cells = [
    namespace,
    several ? `${allKinds[kind].plural}/${name}` : name,
    pool,
    paintStatus(accepted?.status ?? 'Unknown'),
    paintStatus(programmed?.status ?? 'Unknown'),
    telling?.reason ?? '',
    String(propagation?.acked ?? 0),
    String(propagation?.desired ?? 0),
    formatAge(createdAt, Date.now()),
  ];
  if (!wide) return cells;
  return [
    ...cells,
    String(configVersion ?? ''),
    printable(telling?.message.replaceAll('\n', '; ') ?? ''),
  ];
}

/** As the API server would show it. */
function toObject({ kind, namespace, name, uid, generation, createdAt, status }: StatusReported) {
  return {
    apiVersion: 'headgate.dev/v1alpha1',
    kind,
    metadata: { name, namespace, uid, generation, creationTimestamp: createdAt },
    status,
  };
}

function byKey(one: StatusReported, other: StatusReported): number {
  const key = ({ kind, namespace, name }: StatusReported) => `${kind}/${namespace}/${name}`;
  return key(one) < key(other) ? -1 : 1;
}
