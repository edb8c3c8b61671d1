import { Command, Option } from 'commander';
import { stringify } from 'yaml';
import type { Acknowledgement } from '../contracts/acknowledgement.ts';
import { formatKey, type ResourceKey } from '../contracts/resource-key.ts';
import { CommandFailed } from './exit-codes.ts';
import { explainPod } from './explain/pod-report.ts';
import { type LogRead, readLog } from './explain/read-log.ts';
import { renderPod } from './explain/render-pod.ts';
import { renderResource } from './explain/render-resource.ts';
import { explainResource } from './explain/resource-report.ts';
import { noSurroundings, type Surroundings } from './explain/surroundings.ts';
import { findKind } from './find-kind.ts';
import { type Moment, parseMoment, sequenceAt } from './moment.ts';
import { type OpenedLog, openLog } from './open-log.ts';
import {
  choosePlace,
  type Place,
  type PlaceOptions,
  type ProgramName,
  placeHelp,
  withPlaceOptions,
} from './place.ts';

type ExplainOptions = PlaceOptions & {
  readonly at?: Moment;
  readonly output: 'table' | 'json' | 'yaml';
};

type PodOptions = ExplainOptions & { readonly pool?: string };

export function explainCommand(program: ProgramName): Command {
  return new Command('explain')
    .description('Tell which version of what runs where, since which event, and caused by whom.')
    .addCommand(resourceCommand(program))
    .addCommand(podCommand(program));
}

function resourceCommand(program: ProgramName): Command {
  const command = new Command('resource')
    .description('One resource: the version in force, the newest if it was refused, and its pods.')
    .argument('<kind/name>', 'forwardproxy/egress or fp/egress; also KIND/NAMESPACE/NAME');
  return withExplainOptions(command)
    .addHelpText(
      'after',
      `${placeHelp}

Examples:
  $ ${program} explain resource fp/egress -n team-a
  $ ${program} explain resource ForwardProxy/team-a/egress --at 120
  $ ${program} explain resource fp/egress -n team-a -o json | jq '.pods[] | {pod, runs}'`,
    )
    .action((name: string, options: ExplainOptions) =>
      printResource(name, options, choosePlace(options, program)),
    );
}

function podCommand(program: ProgramName): Command {
  const command = new Command('pod')
    .description('One pod: everything it runs, and everything it should.')
    .argument('<name>', 'the pod')
    .option('--pool <name>', 'its pool, where pods of several have this name');
  return withExplainOptions(command)
    .addHelpText(
      'after',
      `${placeHelp}

Examples:
  $ ${program} explain pod headgate-pool-default-5d8c7b9f4-x2x4l
  $ ${program} explain pod gateway-1 --nats nats://127.0.0.1:4222 -o yaml`,
    )
    .action((name: string, options: PodOptions) =>
      printPod(name, options, choosePlace(options, program)),
    );
}

function withExplainOptions(command: Command): Command {
  command
    .addOption(
      new Option(
        '--at <sequence|time>',
        'as it was then, as far as the log keeps it: 120, 2026-11-20T12:00:00Z',
      ).argParser(parseMoment),
    )
    .addOption(
      new Option('-o, --output <format>', 'how to print')
        .choices(['table', 'json', 'yaml'])
        .default('table'),
    );
  return withPlaceOptions(command);
}

async function printResource(name: string, options: ExplainOptions, place: Place): Promise<void> {
  const named = parseName(name, options.namespace);
  await using log = await openLog(place);
  const surroundings = await surroundingsOf(place, log);
  const namespace = named.namespace ?? surroundings.namespace;
  const key = namespace === null ? await findKey(named, log) : { ...named, namespace };
  const { at, output } = options;

  const read = await readLog(log, { resource: key, everything: at !== undefined });
  const question = { key, at: atOf(at, read), ...(await surroundings.of(key)) };
  const report = explainResource(read, question);
  if (report === null) {
    const exists = question.cluster !== null && question.cluster.generation !== null;
    const why = exists ? ': it is in the cluster, and not decided upon yet' : '';
    throw new CommandFailed('refused', `the log knows nothing of ${formatKey(key)}${why}`);
  }
  print(report, output, () => renderResource(report, Date.now()));
}

async function printPod(name: string, options: PodOptions, place: Place): Promise<void> {
  await using log = await openLog(place);
  const { at, output, pool } = options;
  const read = await readLog(log, { resource: null, everything: at !== undefined });
  const acknowledgement = findPod(read, name, pool);
  const report = explainPod(read, acknowledgement, atOf(at, read));
  print(report, output, () => renderPod(report, Date.now()));
}

async function surroundingsOf(place: Place, log: OpenedLog): Promise<Surroundings> {
  if (place.is !== 'cluster') return noSurroundings(log);
  const { clusterSurroundings } = await import('./cluster/surroundings.ts');
  return clusterSurroundings(place);
}

type Named = Omit<ResourceKey, 'namespace'> & { readonly namespace: string | null };

function parseName(text: string, namespace: string | undefined): Named {
  const parts = text.split('/');
  const [kindName = '', ...rest] = parts;
  const name = rest.pop();
  const [within = namespace ?? null] = rest;
  if (name === undefined || name === '' || rest.length > 1) {
    throw new CommandFailed('usage', `"${text}" is no KIND/NAME, such as fp/egress`);
  }
  return { kind: findKind(kindName), namespace: within, name };
}

/** Outside of clusters a name need not say its namespace, as long as it is the only one. */
async function findKey(named: Named, log: OpenedLog): Promise<ResourceKey> {
  const { happenings } = await readLog(log, { resource: null, everything: false });
  const found = new Map(
    happenings
      .filter(({ key }) => key.kind === named.kind && key.name === named.name)
      .map(({ key }) => [key.namespace, key]),
  );
  const [first, ...others] = found.values();
  if (first === undefined) {
    throw new CommandFailed('refused', `the log knows nothing of ${named.kind} "${named.name}"`);
  }
  if (others.length === 0) return first;
  const namespaces = [...found.keys()].join(', ');
  throw new CommandFailed('usage', `"${named.name}" is in ${namespaces}: say which with -n`);
}

function findPod(read: LogRead, name: string, pool: string | undefined): Acknowledgement {
  if (read.acknowledgements === null) {
    throw new CommandFailed(
      'refused',
      'what a pod runs cannot be seen here: pods acknowledge to the process of `headgate up` and to nobody else, unless its log is in NATS. `headgate get` shows what that process reported, `headgate explain resource` what it decided',
    );
  }
  const found = read.acknowledgements
    .filter(({ instance }) => instance === name)
    .filter((each) => each.pool === (pool ?? each.pool));
  const [first, ...others] = found;
  if (first !== undefined && others.length === 0) return first;
  if (first !== undefined) {
    const pools = found.map((each) => each.pool).join(', ');
    throw new CommandFailed('usage', `pods of ${pools} have this name: say which with --pool`);
  }
  const known = read.acknowledgements.map(({ instance }) => instance).sort();
  const heard = known.length === 0 ? 'nobody has' : `these have: ${known.join(', ')}`;
  throw new CommandFailed('refused', `no pod "${name}" has spoken in the last 30 s; ${heard}`);
}

function atOf(moment: Moment | undefined, { happenings }: LogRead): number | null {
  return moment === undefined ? null : sequenceAt(moment, happenings);
}

function print(report: object, output: ExplainOptions['output'], render: () => string): void {
  const text =
    output === 'table'
      ? render()
      : output === 'json'
        ? JSON.stringify(report, null, 2)
        : stringify(report);
  process.stdout.write(`${text.trimEnd()}\n`);
}
