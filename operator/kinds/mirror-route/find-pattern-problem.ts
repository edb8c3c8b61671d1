import { RE2JS, RE2JSException } from 're2js';

/** Longer ones take long to compile, in the operator and in every thread of every pod. */
const maxLength = 512;
/** What a request costs grows with it: 8 KiB of path against 1,500 steps took 25 ms. */
const maxSteps = 1000;

export type PatternProblem = {
  readonly message: string;
  /** It took long to find out. */
  readonly tooLarge: boolean;
};

/** What is wrong with a regular expression in RE2's language; `null`: nothing. */
export function findPatternProblem(pattern: string): PatternProblem | null {
  if (pattern.length > maxLength) {
    return {
      message: `is too long for a regular expression: ${maxLength} characters at most`,
      tooLarge: false,
    };
  }
  const steps = stepsOf(pattern);
  if (typeof steps === 'string') {
    return { message: `is not a regular expression of RE2: ${steps}`, tooLarge: false };
  }
  if (steps <= maxSteps) return null;
  return {
    message: `is too large a regular expression: repeat less often, or less of it`,
    tooLarge: true,
  };
}

/** Steps of the compiled program, or why there is none. */
function stepsOf(pattern: string): number | string {
  try {
    return RE2JS.compile(pattern).programSize();
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    return error.message.replace('error parsing regexp: ', '');
  }
}
