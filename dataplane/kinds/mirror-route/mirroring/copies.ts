import type { Copy } from './copy.ts';
import type { Copies } from './mirror-engine.ts';

/** What is said of a request is said of each of its copies. */
export function copiesOf(copies: readonly Copy[]): Copies {
  const [first] = copies;
  if (first !== undefined && copies.length === 1) return first;
  return {
    body(chunk) {
      for (const copy of copies) copy.body(chunk);
    },
    complete() {
      for (const copy of copies) copy.complete();
    },
    abandon() {
      for (const copy of copies) copy.abandon();
    },
    primaryHead(status, fields) {
      for (const copy of copies) copy.primaryHead(status, fields);
    },
    primaryData(chunk) {
      for (const copy of copies) copy.primaryData(chunk);
    },
    primaryEnd(whole) {
      for (const copy of copies) copy.primaryEnd(whole);
    },
  };
}
