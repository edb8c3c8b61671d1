import type { FieldReader } from '../resolve-fields.ts';
import { findPatternProblem } from './find-pattern-problem.ts';

/** Of one resource: every thread of every pod compiles them when it changes. */
const maxPatterns = 100;

export type CheckPattern = (field: string, pattern: string) => void;

/** Refuses regular expressions of one resource that cannot be, or are too many. */
export function createPatternCheck(read: FieldReader): CheckPattern {
  let checked = 0;
  return (field, pattern) => {
    checked += 1;
    if (checked === maxPatterns + 1) {
      read.refuse(field, `is one regular expression too many: ${maxPatterns} at most`);
    }
    if (checked > maxPatterns) return;
    const problem = findPatternProblem(pattern);
    if (problem === null) return;
    read.refuse(field, problem.message);
    // A hundred of this size would keep an operator from renewing its lease.
    if (problem.tooLarge) checked = maxPatterns + 1;
  };
}
