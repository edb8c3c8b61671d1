import {
  type Document,
  isMap,
  isNode,
  isPair,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  visit,
} from 'yaml';
import { parseField } from '../schema/field-path.ts';

/** One YAML document as it lies in its file. */
export type ParsedDocument = {
  readonly object: unknown;
  readonly line: number;
  /** Where a field is written; for one that is missing, where it belongs. */
  lineOf(field: string): number;
};

export type ParsedFile = {
  readonly documents: readonly ParsedDocument[];
  /** Anything here means that there may be more in the file than was understood. */
  readonly problems: readonly LocatedProblem[];
};

type LocatedProblem = { readonly line: number; readonly message: string };

/** Aliases of aliases may stand for billions of nodes. */
const maxAliasCount = 100;
/** To find what one alias stands for, the library walks the whole document. */
const maxAliases = 1000;

/** YAML documents of a file, JSON included. Every problem comes back with its line; it never throws. */
export function parseFile(bytes: Uint8Array): ParsedFile {
  const text = decode(bytes);
  if (text === null) {
    return {
      documents: [],
      problems: [{ line: lineOfBadByte(bytes), message: 'is not UTF-8 text' }],
    };
  }
  try {
    return parseText(text);
  } catch (error) {
    return { documents: [], problems: [{ line: 1, message: reasonOf(error) }] };
  }
}

function decode(bytes: Uint8Array): string | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return text.includes('\0') ? null : text;
  } catch {
    return null;
  }
}

function lineOfBadByte(bytes: Uint8Array): number {
  const text = Buffer.from(bytes).toString('utf8');
  return text.slice(0, text.search(/[\uFFFD\0]/)).split('\n').length;
}

function parseText(text: string): ParsedFile {
  const lines = new LineCounter();
  const parsed = parseAllDocuments(text, {
    version: '1.2',
    merge: true,
    prettyErrors: false,
    // The library compares every key with every other: minutes for a large file.
    uniqueKeys: false,
    lineCounter: lines,
  });
  const documents: ParsedDocument[] = [];
  const problems: LocatedProblem[] = [];
  for (const document of Array.isArray(parsed) ? parsed : []) {
    const found = problemsIn(document, lines);
    problems.push(...found.slice(0, maxProblems));
    const [start = 0] = document.contents?.range ?? [];
    const line = lines.linePos(start).line;
    if (found.length > 0) continue;
    try {
      const object: unknown = document.toJS({ maxAliasCount });
      if (object === null) continue;
      documents.push({ object, line, lineOf: (field) => lineOf(document, lines, field) ?? line });
    } catch (error) {
      problems.push({ line, message: reasonOf(error) });
    }
  }
  return { documents, problems };
}

/** One slip can upset every line after it. */
const maxProblems = 10;

function problemsIn(document: Document, lines: LineCounter): readonly LocatedProblem[] {
  // A warning is about a tag nobody here gives a meaning to.
  const told = [...document.errors, ...document.warnings].map((error) => ({
    line: lines.linePos(error.pos[0]).line,
    message: reasonOf(error),
  }));
  if (told.length > 0) return told;
  return countAliases(document) > maxAliases
    ? [{ line: 1, message: `has more than ${maxAliases} aliases` }]
    : repeatedKeys(document, lines);
}

function countAliases(document: Document): number {
  let count = 0;
  visit(document, {
    Alias() {
      count += 1;
    },
  });
  return count;
}

/** Of two values for one key nobody can say which was meant. */
function repeatedKeys(document: Document, lines: LineCounter): readonly LocatedProblem[] {
  const problems: LocatedProblem[] = [];
  visit(document, {
    Map(_, map) {
      const seen = new Set<string>();
      for (const { key } of map.items) {
        const name = nameOf(key);
        const [start = 0] = (isNode(key) && key.range) || [];
        if (seen.has(name) && name !== '<<') {
          problems.push({ line: lines.linePos(start).line, message: `"${name}" is written twice` });
        }
        seen.add(name);
      }
    },
  });
  return problems;
}

/** Follows the path as far as it is written. */
function lineOf(document: Document, lines: LineCounter, field: string): number | null {
  let node: unknown = document.contents;
  let line: number | null = null;
  for (const step of parseField(field)) {
    const [key, value] = child(node, step);
    if (!isNode(key) || key.range == null) break;
    line = lines.linePos(key.range[0]).line;
    node = value;
  }
  return line;
}

/** The node a step is written at, and the node behind it. */
function child(node: unknown, step: string | number): readonly [key: unknown, value: unknown] {
  if (isSeq(node) && typeof step === 'number') return [node.items[step], node.items[step]];
  if (!isMap(node)) return [null, null];
  const pair = node.items.find((item) => isPair(item) && nameOf(item.key) === step);
  return [pair?.key, pair?.value];
}

function nameOf(key: unknown): string {
  return String(isNode(key) ? (key as Node & { value?: unknown }).value : key);
}

/** What the parser says, without the text it quotes: that may be a password. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  if (/call stack/.test(message)) return 'is nested too deeply';
  const told = message.replace(/(?<=\S): .*$/s, '');
  return told.charAt(0).toLowerCase() + told.slice(1);
}
