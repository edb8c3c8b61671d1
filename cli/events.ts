import { Command, Option } from 'commander';
import { isRecord } from '../contracts/json.ts';
import { logEventTypes } from '../contracts/log-events.ts';
import type { LogEntry } from '../event-log/event-log.ts';
import { paint } from './columns.ts';
import { createEventFilter } from './event-filter.ts';
import { parseSince } from './moment.ts';
import { openLog } from './open-log.ts';
import {
  choosePlace,
  type Place,
  type PlaceOptions,
  type ProgramName,
  placeHelp,
  withPlaceOptions,
} from './place.ts';
import { printable } from './printable.ts';
import { followTold, readTold } from './told-events.ts';

type EventsOptions = PlaceOptions & {
  readonly follow?: true;
  readonly pool?: string;
  readonly since?: string;
  readonly output: 'lines' | 'json';
};

export function eventsCommand(program: ProgramName): Command {
  const command = new Command('events')
    .description('Print the event log: what was decided, when, and because of whom.')
    .argument(
      '[resource]',
      'only what concerns it: part of KIND/NAMESPACE/NAME, such as team-a/egress',
    )
    .option('-f, --follow', 'go on printing until interrupted')
    .option('--pool <name>', 'only events of this pool')
    .option(
      '--since <time>',
      'only what was written since then: 30m, 2h, 2026-11-20T12:00:00Z',
      (text: string) => parseSince(text, Date.now()),
    )
    .addOption(
      new Option('-o, --output <format>', 'json: one CloudEvents envelope per line')
        .choices(['lines', 'json'])
        .default('lines'),
    );
  return withPlaceOptions(command)
    .addHelpText(
      'after',
      `
Each line is: sequence in the log, time, event, resource, and what it says. The log keeps the last
16 events of a resource that pods act upon, and refusals for 30 days. Everything is printed that no
option leaves out: other than \`get\`, it does not stay in one namespace without -n.
${placeHelp}

Examples:
  $ ${program} events
  $ ${program} events team-a/egress --follow
  $ ${program} events --pool edge --since 2h
  $ ${program} events -o json | jq 'select(.event.type | endswith("rejected.v1"))'`,
    )
    .action((resource: string | undefined, options: EventsOptions) =>
      printEvents(resource, options, choosePlace(options, program)),
    );
}

async function printEvents(
  resource: string | undefined,
  options: EventsOptions,
  place: Place,
): Promise<void> {
  await using log = await openLog(place);
  const { reader, subjects } = log;
  const stop = new AbortController();
  const end = () => stop.abort();
  process.once('SIGINT', end).once('SIGTERM', end);
  process.stdout.once('error', end); // the reader of a pipe has seen enough

  const { namespace, pool, since } = options;
  const isWanted = createEventFilter({ resource, namespace, pool, since }, subjects);
  const format = options.output === 'json' ? formatJson : formatLine;
  const told = options.follow === true ? followTold : readTold;
  for await (const entry of told(reader, subjects, stop.signal)) {
    if (isWanted(entry)) process.stdout.write(`${format(entry)}\n`);
  }
  process.off('SIGINT', end).off('SIGTERM', end);
}

function formatJson({ sequence, subject, event }: LogEntry): string {
  return JSON.stringify({ sequence, subject, event });
}

/** `12  2026-11-20T10:00:00.000Z  ForwardProxyConfigured  ForwardProxy/team-a/egress  generation 2 …` */
function formatLine({ sequence, event }: LogEntry): string {
  const { time, subject, data } = event;
  const said = isRecord(data) ? data : {};
  const name = shortType(event.type, said['type']);
  const parts = [
    typeof said['generation'] === 'number' ? `generation ${said['generation']}` : '',
    typeof said['reason'] === 'string'
      ? `${said['reason']}: ${oneLine(String(said['message']))}`
      : '',
    typeof said['cause'] === 'string' ? paint('dim', `(${oneLine(said['cause'])})`) : '',
  ];
  const detail = parts.filter(Boolean).join(' ');
  const painted = name.endsWith('Rejected') ? paint('red', name) : name;
  return `${String(sequence).padStart(6)}  ${time}  ${painted}  ${printable(subject)}  ${detail}`.trimEnd();
}

function oneLine(text: string): string {
  return printable(text.replaceAll('\n', '; '));
}

/** The name an event has in code. */
function shortType(type: string, named: unknown): string {
  if (typeof named === 'string') return named;
  const [name] = Object.entries(logEventTypes).find(([, each]) => each === type) ?? [type];
  return name.charAt(0).toUpperCase() + name.slice(1);
}
