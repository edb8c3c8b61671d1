import type { ErrorCode } from '../../contracts/errors.ts';
import type { RawFields } from './http-fields.ts';

/** The head of an origin's answer, interim ones included. */
export type AnswerHead = {
  /** `1.1`, `2` */
  readonly version: string;
  readonly status: number;
  readonly reason: string;
  readonly fields: RawFields;
  /** It is known by now that nothing comes after it. */
  readonly isAll: boolean;
};

/** Why an answer is passed on to nobody; `null`: nothing speaks against it. */
export type AnswerProblem = { readonly code: ErrorCode; readonly problem: string };

const spoken: ReadonlySet<string> = new Set(['2', '1.1', '1.0']);

/** The checks undici leaves to us (research H14, H19, H20). */
export function findAnswerProblem(
  { version, status, reason, fields }: AnswerHead,
  maxBytes: number,
): AnswerProblem | null {
  if (!spoken.has(version)) {
    return bad(`the answer of the origin is HTTP/${version}, which nobody asked for`);
  }
  if (status < 100 || status > 999) return bad(`the answer of the origin has status ${status}`);
  if (status === 407) {
    // Clients would show our name, ask for our password, and send it here in vain.
    return bad('the origin answered 407, which only a proxy may');
  }
  const bytes = 'HTTP/1.1 200 \r\n\r\n'.length + reason.length + sizeOf(fields);
  return bytes <= maxBytes ? null : tooLarge('header', maxBytes);
}

export function findTrailerProblem(fields: RawFields, maxBytes: number): AnswerProblem | null {
  return sizeOf(fields) <= maxBytes ? null : tooLarge('trailer', maxBytes);
}

function sizeOf(fields: RawFields): number {
  let bytes = 0;
  for (const part of fields) bytes += part.length + 2;
  return bytes;
}

function tooLarge(section: string, maxBytes: number): AnswerProblem {
  return {
    code: 'http_response_header_section_size',
    problem: `the ${section} section of the answer is larger than spec.limits.headerBytes (${maxBytes})`,
  };
}

function bad(problem: string): AnswerProblem {
  return { code: 'http_protocol_error', problem };
}
