import { type Command, Option } from 'commander';
import { CommandFailed } from './exit-codes.ts';
import { logNameOption } from './options.ts';

/** The two names of the program: the second is a plugin of kubectl, and looks at clusters. */
export type ProgramName = 'headgate' | 'kubectl headgate';

/** What says where a command looks; the same for every command that looks. */
export type PlaceOptions = {
  readonly data?: string;
  readonly nats?: string;
  readonly creds?: string;
  readonly ca?: string;
  readonly logName: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly headgateNamespace?: string;
  readonly namespace?: string;
  readonly allNamespaces?: true;
};

/** Where a command looks. */
export type Place =
  | { readonly is: 'directory'; readonly data: string }
  | ({ readonly is: 'nats'; readonly logName: string } & NatsAddress)
  | ({ readonly is: 'cluster'; readonly logName: string } & ClusterPlace);

export type NatsAddress = {
  readonly url: string;
  /** Files. */
  readonly creds: string | null;
  readonly ca: string | null;
};

export type ClusterPlace = {
  /** `null`: where kubectl looks. */
  readonly kubeconfig: string | null;
  readonly context: string | null;
  /** Where Headgate itself runs; `null`: where its manifests put it. */
  readonly headgateNamespace: string | null;
};

const defaultData = './.headgate';

const clusterFlags = {
  kubeconfig: '--kubeconfig',
  context: '--context',
  headgateNamespace: '--headgate-namespace',
} as const;

/**
 * The first that is given: `--nats`, `--data`, an option that names a cluster. Otherwise `headgate`
 * looks at this directory, `kubectl headgate` at the cluster that kubectl would talk to.
 */
export function choosePlace(options: PlaceOptions, program: ProgramName): Place {
  const { nats, data, logName, creds = null, ca = null } = options;
  refuseTwoPlaces(options);
  if (nats !== undefined) return { is: 'nats', url: nats, creds, ca, logName };
  if (data !== undefined) return { is: 'directory', data };
  if (program === 'headgate' && clusterFlagsIn(options).length === 0) {
    return { is: 'directory', data: defaultData };
  }
  const { kubeconfig = null, context = null, headgateNamespace = null } = options;
  return { is: 'cluster', kubeconfig, context, headgateNamespace, logName };
}

function refuseTwoPlaces(options: PlaceOptions): void {
  const { nats, data } = options;
  const elsewhere = nats === undefined ? data && '--data' : '--nats';
  const [flag] = clusterFlagsIn(options);
  if (elsewhere !== undefined && flag !== undefined) {
    throw new CommandFailed('usage', `${elsewhere} and ${flag} name two places: give one of them`);
  }
  if (nats !== undefined) return;
  const needsNats = options.creds === undefined ? options.ca && '--ca' : '--creds';
  if (needsNats === undefined) return;
  throw new CommandFailed('usage', `${needsNats} goes with --nats, which says where the log is`);
}

function clusterFlagsIn(options: PlaceOptions): readonly string[] {
  return Object.entries(clusterFlags)
    .filter(([name]) => name in options)
    .map(([, flag]) => flag);
}

/** Adds the options of {@link PlaceOptions}. */
export function withPlaceOptions(command: Command): Command {
  const options = [
    new Option('-n, --namespace <namespace>', 'only this namespace'),
    new Option('-A, --all-namespaces', 'every namespace').conflicts('namespace'),
    new Option('--data <dir>', `the directory of \`headgate up\` (default: ${defaultData})`),
    new Option(
      '--nats <url>',
      'the log in NATS JetStream at nats://[user:password@]host:port; tls:// checks its certificate',
    ),
    new Option('--creds <file>', 'user of NATS: a .creds file'),
    new Option('--ca <file>', 'certificates that the one of NATS is checked against'),
    logNameOption(),
    new Option(
      '--kubeconfig <file>',
      'the cluster of this file (default: $KUBECONFIG, ~/.kube/config)',
    ),
    new Option('--context <name>', 'the cluster of this context (default: the current one)'),
    new Option(
      '--headgate-namespace <namespace>',
      'where Headgate runs in the cluster (default: headgate-system)',
    ),
  ];
  for (const option of options) command.addOption(option);
  return command;
}

/** Where commands look, for their `--help`. */
export const placeHelp = `
Where it looks: at --nats, or --data, or the cluster that --kubeconfig or --context name. Without
any of them \`headgate\` looks at ${defaultData}, \`kubectl headgate\` at the current cluster.`;
