import { RE2JS } from 're2js';
import type { ValueMatch } from '../../../contracts/kinds/mirror-route/config.ts';
import { fromWire, toWire } from './wire-text.ts';

/** Whether a value as it came from a client is the one that is wanted. */
export type ValueTest = (wire: string) => boolean;

export function compileValueTest({ type, value }: Pick<ValueMatch, 'type' | 'value'>): ValueTest {
  return type === 'Exact' ? exactly(value) : matching(value);
}

function exactly(text: string): ValueTest {
  const wanted = toWire(text);
  return (wire) => wire === wanted;
}

/**
 * RE2's language and time, linear in what the client sends; the whole value must match. The pattern
 * was checked when the configuration was: one that RE2 cannot read matches nothing.
 */
export function matching(pattern: string): ValueTest {
  const compiled = compile(pattern);
  return compiled === null ? () => false : (wire) => compiled.testExact(fromWire(wire));
}

function compile(pattern: string): RE2JS | null {
  try {
    return RE2JS.compile(pattern);
  } catch {
    return null;
  }
}
