import { findCondition } from '../contracts/conditions.ts';
import { formatKey, type ResourceKey } from '../contracts/resource-key.ts';
import type { StatusReported } from '../contracts/status.ts';
import type { Listener, Published } from '../operator/control-loop/listener.ts';
import { paint } from './columns.ts';
import { printable, printableLines } from './printable.ts';

type Settings = {
  readonly print: (line: string) => void;
  readonly directories: readonly string[];
  /** Where the log is, for people. */
  readonly logPlace: string;
};

/** One line per resource as it becomes Programmed, or is refused, and as its mirrors fail; then `ready`. */
export function createUpOutput({ print, directories, logPlace }: Settings): Listener {
  const said = new Map<string, string>();
  /** Resources whose mirrors are not well, and what was said of them. */
  const unwell = new Map<string, string>();

  function say(key: ResourceKey, line: string, colour: 'green' | 'red' | 'dim'): void {
    const id = formatKey(key);
    if (said.get(id) === line) return;
    said.set(id, line);
    print(`${id} ${paint(colour, line)}`);
  }

  /** That they are well is said when they were not. */
  function sayHealth(report: StatusReported): void {
    const id = formatKey(report);
    const healthy = findCondition(report.status.conditions, 'MirrorHealthy');
    if (healthy?.status === 'False') {
      const line = `MirrorHealthy=False/${healthy.reason}: ${printable(healthy.message)}`;
      if (unwell.get(id) !== line) print(`${id} ${paint('red', line)}`);
      unwell.set(id, line);
    } else if (healthy?.status === 'True' && unwell.delete(id)) {
      print(`${id} ${paint('green', 'MirrorHealthy=True')}`);
    }
  }

  return {
    onStatus(report) {
      sayHealth(report);
      const refused = describeRefusal(report);
      if (refused !== null) return say(report, refused, 'red');
      const programmed = describeProgrammed(report);
      if (programmed !== null) say(report, programmed, 'green');
    },
    onRemoved(key) {
      say(key, 'removed', 'dim');
      said.delete(formatKey(key));
      unwell.delete(formatKey(key));
    },
    onProblem: (where, message) => print(printable(`problem ${where}: ${message}`)),
    onProblemSolved: (where) => print(printable(`solved ${where}`)),
    onPublished: (published) => {
      const line = describePublished(published, directories, logPlace);
      if (line !== null) print(line);
    },
    onReady: () => print('ready'),
  };
}

/** A version that was not taken over, or that a pod does not serve. */
function describeRefusal({ generation, status }: StatusReported): string | null {
  const accepted = findCondition(status.conditions, 'Accepted');
  if (accepted?.status === 'False') {
    const { reason, message } = accepted;
    return `refused: generation ${generation}, Accepted=False/${reason}: ${indent(message)}`;
  }
  const programmed = findCondition(status.conditions, 'Programmed');
  const stalled = findCondition(status.conditions, 'Stalled');
  const isOfPod = stalled?.reason === 'RefusedByPod'; // what the pod says is said below
  if (stalled !== null && !isOfPod) return `stalled: ${stalled.reason}: ${indent(stalled.message)}`;
  if (programmed?.status !== 'False' || programmed.reason === 'Pending') return null;
  return `failed: Programmed=False/${programmed.reason}: ${indent(programmed.message)}`;
}

function describeProgrammed({ status }: StatusReported): string | null {
  const programmed = findCondition(status.conditions, 'Programmed');
  if (programmed?.status !== 'True') return null;
  const { propagation, configVersion } = status;
  const took = propagation?.max == null ? '' : `, after ${propagation.max} ms`;
  return `Programmed: generation ${programmed.observedGeneration}, sequence ${configVersion}${took}`;
}

function describePublished(
  { created, historyLost, resources }: Published,
  directories: readonly string[],
  logPlace: string,
): string | null {
  if (!created) return null;
  const lost = historyLost ? ' (its history is lost)' : '';
  return `there was no log in ${logPlace}${lost}: rebuilt ${resources} ${resources === 1 ? 'resource' : 'resources'} from ${directories.join(', ')}`;
}

/** Problems of a file come one per line. */
function indent(message: string): string {
  const text = printableLines(message);
  return text.includes('\n') ? `\n  ${text.replaceAll('\n', '\n  ')}` : text;
}
