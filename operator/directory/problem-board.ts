import type { Problem, SourceChange } from '../control-loop/source.ts';

/** Tells of problems once when they appear or change, and once when they are gone. */
export type ProblemBoard = { show(problems: readonly Problem[]): void };

export function createProblemBoard(push: (change: SourceChange) => void): ProblemBoard {
  let shown: ReadonlyMap<string, string> = new Map();

  return {
    show(problems) {
      const now = byPlace(problems);
      for (const where of shown.keys()) {
        if (!now.has(where)) push({ type: 'problemSolved', where });
      }
      for (const [where, message] of now) {
        if (shown.get(where) !== message) push({ type: 'problem', where, message });
      }
      shown = now;
    },
  };
}

/** `file:line`, or `file` → everything that is wrong there. */
function byPlace(problems: readonly Problem[]): ReadonlyMap<string, string> {
  const messages = new Map<string, string>();
  for (const { file, line, field, message } of problems) {
    const where = line === 0 ? file : `${file}:${line}`;
    const text = field === '' ? message : `${field}: ${message}`;
    const others = messages.get(where);
    messages.set(where, others === undefined ? text : `${others}; ${text}`);
  }
  return messages;
}
