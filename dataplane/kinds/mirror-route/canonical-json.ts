import type { IgnoredValues } from './ignored-values.ts';

export type JsonProblem =
  | 'invalid_json'
  | 'duplicate_keys'
  /** Nested too deep, or an object of too many members. */
  | 'too_complex';

export type JsonReading = { readonly digest: string } | { readonly problem: JsonProblem };

const maxDepth = 100;
/** They are sorted in one go, which takes some milliseconds. */
const maxMembers = 10_000;
/** Longer values are written as their digest: no part of a document is copied at each level above it. */
const maxTextLength = 64;
/** So many characters of items of a list become one item, so that none of them waits for the end of it. */
const foldedLength = 16_384;

/**
 * Reads a JSON text to a digest that is equal for equal values: the order of members makes no
 * difference, nor do blanks and the spelling of strings. Numbers are their text: as doubles, two
 * large ones that differ would be one. It goes on where it stopped, so that it can be read a little
 * at a time, and what it holds is no more than the text.
 */
export class CanonicalJson {
  readonly #text: string;
  readonly #ignored: IgnoredValues;
  readonly #digest: (text: string) => string;
  readonly #open: Container[] = [];
  #at = 0;
  /** What comes next is a value, not what stands between two of them. */
  #valueIsNext = true;
  #root: string | null = null;

  /** `digest` makes a short text of a long one. */
  constructor(text: string, ignored: IgnoredValues, digest: (text: string) => string) {
    this.#text = text;
    this.#ignored = ignored;
    this.#digest = digest;
  }

  /** So many characters were read. */
  get position(): number {
    return this.#at;
  }

  /** Reads on, about so many characters; `null`: there are more. */
  readOn(characters: number): JsonReading | null {
    const until = this.#at + characters;
    try {
      while (this.#at < until) {
        if (this.#valueIsNext) this.#readValue();
        else if (this.#open.length > 0) this.#readSeparator();
        else return this.#end();
      }
      return null;
    } catch (error) {
      if (error instanceof Unreadable) return { problem: error.problem };
      throw error;
    }
  }

  #end(): JsonReading {
    this.#skipBlanks();
    if (this.#at < this.#text.length) throw new Unreadable('invalid_json');
    return { digest: this.#digest(this.#root ?? '') };
  }

  #readValue(): void {
    this.#skipBlanks();
    const first = this.#text[this.#at];
    if (first === '{') this.#enter(new Members(this.#ignoredHere()));
    else if (first === '[') this.#enter(new Items(this.#ignoredHere()));
    else this.#take(first === '"' ? this.#readString().text : this.#readScalar());
  }

  #ignoredHere(): IgnoredValues | undefined {
    const parent = this.#open.at(-1);
    return parent === undefined ? this.#ignored : parent.ignoredNext();
  }

  #enter(container: Container): void {
    if (this.#open.length === maxDepth) throw new Unreadable('too_complex');
    this.#open.push(container);
    this.#at++;
    this.#skipBlanks();
    if (this.#text[this.#at] === container.close) this.#leave(container);
    else this.#beginNext(container);
  }

  #beginNext(container: Container): void {
    this.#valueIsNext = true;
    if (container instanceof Items) return;
    this.#skipBlanks();
    if (this.#text[this.#at] !== '"') throw new Unreadable('invalid_json');
    container.name = this.#readString().value;
    this.#skipBlanks();
    if (this.#text[this.#at] !== ':') throw new Unreadable('invalid_json');
    this.#at++;
  }

  #readSeparator(): void {
    this.#skipBlanks();
    const container = this.#open.at(-1);
    if (container === undefined) return;
    const next = this.#text[this.#at];
    if (next === container.close) return this.#leave(container);
    if (next !== ',') throw new Unreadable('invalid_json');
    this.#at++;
    this.#beginNext(container);
  }

  #leave(container: Container): void {
    this.#at++;
    this.#open.pop();
    this.#take(container.text());
  }

  /** A value is whole. */
  #take(text: string): void {
    this.#valueIsNext = false;
    const short = text.length > maxTextLength ? `#${this.#digest(text)}` : text;
    const parent = this.#open.at(-1);
    if (parent === undefined) this.#root = short;
    else parent.add(short, this.#digest);
  }

  #readString(): { readonly value: string; readonly text: string } {
    const written = this.#text.slice(this.#at, this.#endOfString());
    this.#at += written.length;
    const value = parseString(written);
    return { value, text: written.includes('\\') ? JSON.stringify(value) : written };
  }

  #endOfString(): number {
    let quote = this.#text.indexOf('"', this.#at + 1);
    while (quote !== -1 && this.#isEscaped(quote)) quote = this.#text.indexOf('"', quote + 1);
    if (quote === -1) throw new Unreadable('invalid_json');
    return quote + 1;
  }

  #isEscaped(at: number): boolean {
    let backslashes = 0;
    while (this.#text[at - 1 - backslashes] === '\\') backslashes++;
    return backslashes % 2 === 1;
  }

  #readScalar(): string {
    scalar.lastIndex = this.#at;
    const [written] = scalar.exec(this.#text) ?? [];
    if (written === undefined) throw new Unreadable('invalid_json');
    this.#at += written.length;
    return written;
  }

  #skipBlanks(): void {
    blanks.lastIndex = this.#at;
    this.#at += blanks.exec(this.#text)?.[0].length ?? 0;
  }
}

const blanks = /[ \t\n\r]*/y;
const scalar = /true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;

/** An object whose members come one after the other, in whatever order. */
class Members {
  readonly close = '}';
  readonly #ignored: IgnoredValues | undefined;
  readonly #members: Member[] = [];
  /** Of the member whose value comes next. */
  name = '';

  constructor(ignored: IgnoredValues | undefined) {
    this.#ignored = ignored;
  }

  ignoredNext(): IgnoredValues | undefined {
    return this.#ignored?.below.get(this.name);
  }

  add(text: string): void {
    if (this.#members.length === maxMembers) throw new Unreadable('too_complex');
    const ignored = this.ignoredNext()?.whole === true;
    this.#members.push({ name: this.name, text: ignored ? null : text });
  }

  text(): string {
    const members = this.#members.sort(byName);
    if (members.some(({ name }, index) => name === members[index + 1]?.name)) {
      throw new Unreadable('duplicate_keys');
    }
    const left = members.filter(({ text }) => text !== null);
    return `{${left.map(({ name, text }) => `${JSON.stringify(name)}:${text}`).join()}}`;
  }
}

type Member = { readonly name: string; readonly text: string | null };

function byName(one: Member, other: Member): number {
  if (one.name === other.name) return 0;
  return one.name < other.name ? -1 : 1;
}

/** A list whose items come one after the other. */
class Items {
  readonly close = ']';
  readonly #ignored: IgnoredValues | undefined;
  #items: string[] = [];
  #length = 0;
  #index = 0;

  constructor(ignored: IgnoredValues | undefined) {
    this.#ignored = ignored;
  }

  /** Indices are those of the list as it came: what is left out before moves nothing. */
  ignoredNext(): IgnoredValues | undefined {
    return this.#ignored?.below.get(String(this.#index));
  }

  add(text: string, digest: (text: string) => string): void {
    const ignored = this.ignoredNext()?.whole === true;
    this.#index++;
    if (ignored) return;
    this.#items.push(text);
    this.#length += text.length;
    if (this.#length < foldedLength) return;
    this.#items = [`+${digest(this.#items.join())}`];
    this.#length = 0;
  }

  text(): string {
    return `[${this.#items.join()}]`;
  }
}

type Container = Members | Items;

class Unreadable extends Error {
  readonly problem: JsonProblem;

  constructor(problem: JsonProblem, options?: ErrorOptions) {
    super(problem, options);
    this.problem = problem;
  }
}

function parseString(written: string): string {
  try {
    return JSON.parse(written);
  } catch (error) {
    if (error instanceof SyntaxError) throw new Unreadable('invalid_json', { cause: error });
    throw error;
  }
}
