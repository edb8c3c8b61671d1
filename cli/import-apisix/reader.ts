import { isRecord } from '../../contracts/json.ts';
import type { Found, Placed } from './found.ts';

/** Something to tell whoever imports. What is refused is not carried over. */
export type Finding = Placed & { readonly refused: boolean; readonly message: string };

/** `routes.yaml:12: refused: "/a*b" has a parameter, …` */
export function formatFinding({ place, refused, message }: Finding): string {
  return `${place}: ${refused ? 'refused: ' : ''}${message}`;
}

/** Reads values of an unchecked document; what is wrong with them is remembered with its place. */
export type Reader = {
  /** In the order in which they were found. */
  readonly findings: readonly Finding[];
  readonly refused: boolean;
  /** A reader of a part: what it finds is found here too, but only it is refused for that. */
  forPart(): Reader;
  note(where: Placed, message: string): void;
  refuse(where: Placed, message: string): void;
  /** `null`: there is none, or something else, which was refused. The same for all that follow. */
  text(found: Found): string | null;
  number(found: Found): number | null;
  flag(found: Found): boolean | null;
  /** Text, or a number as text: ids and ports are written both ways. */
  label(found: Found): string | null;
  /** Empty where there is none. */
  items(found: Found): readonly Found[];
  texts(found: Found): readonly string[];
  entries(found: Found): ReadonlyArray<readonly [name: string, value: Found]>;
  /** Refuses fields that nobody here reads: leaving them out could change what a route does. */
  onlyKnown(found: Found, known: readonly string[]): void;
};

export function createReader(tell: (finding: Finding) => void = () => undefined): Reader {
  const findings: Finding[] = [];

  function found(finding: Finding): void {
    findings.push(finding);
    tell(finding);
  }
  const note = ({ place }: Placed, message: string) => found({ place, refused: false, message });
  const refuse = ({ place }: Placed, message: string) => found({ place, refused: true, message });

  function checked<T>(field: Found, isWanted: (value: unknown) => value is T, what: string) {
    if (isAbsent(field)) return null;
    if (isWanted(field.value)) return field.value;
    refuse(field, `${show(field.value)} is not ${what}`);
    return null;
  }

  function items(field: Found): readonly Found[] {
    // Lua, in which APISIX is written, cannot tell an empty list from an empty mapping.
    if (isRecord(field.value) && Object.keys(field.value).length === 0) return [];
    const list = checked(field, isList, 'a list') ?? [];
    return list.map((_, index) => field.at(index));
  }

  function entries(field: Found): ReadonlyArray<readonly [string, Found]> {
    if (isList(field.value) && field.value.length === 0) return [];
    const names = Object.keys(checked(field, isRecord, 'a mapping') ?? {});
    return names.map((name) => [name, field.at(name)]);
  }

  return {
    findings,
    get refused() {
      return findings.some(({ refused }) => refused);
    },
    forPart: () => createReader(found),
    note,
    refuse,
    text: (field) => checked(field, isText, 'text'),
    number: (field) => checked(field, isNumber, 'a number'),
    flag: (field) => checked(field, isFlag, 'true or false'),
    label: (field) => checked(field, isLabel, 'text')?.toString() ?? null,
    items,
    texts: (field) => items(field).flatMap((item) => checked(item, isText, 'text') ?? []),
    entries,
    onlyKnown(field, known) {
      for (const [name, value] of entries(field)) {
        if (known.includes(name)) continue;
        const instead = Object.hasOwn(advice, name) ? advice[name] : otherwise;
        refuse(value, `"${name}" cannot be carried over: ${instead}`);
      }
    },
  };
}

const clients = 'allowedClientCIDRs of a listener says who may connect, for all rules';
const code = 'a MirrorRoute runs no code of yours';

/** What to do instead of some fields. */
const advice: Readonly<Record<string, string>> = {
  remoteAddrs: clients,
  remote_addr: clients,
  remote_addrs: clients,
  filter_func: code,
  script: code,
  subset: 'make a Service of those pods',
  path_prefix: 'write it in the paths of the routes',
};
const otherwise = 'leave it out if nothing depends on it';

export function isAbsent({ value }: Found): boolean {
  return value === undefined || value === null;
}

const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value);
const isText = (value: unknown) => typeof value === 'string';
/** YAML can also write `.nan` and `.inf`. */
const isNumber = (value: unknown): value is number => Number.isFinite(value);
const isFlag = (value: unknown) => typeof value === 'boolean';
const isLabel = (value: unknown) => typeof value === 'string' || typeof value === 'number';

/** Short, and nothing of what lies within: it may be a password. */
function show(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…"` : text;
}
