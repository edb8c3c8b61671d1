import type { ErrorCode } from '../../contracts/errors.ts';
import type { Ip } from './ip-address.ts';

/** Where a request or a tunnel may lead, by which rule, or why it may not; `reported`: rules that would have refused it. */
export type CheckedRoute =
  | {
      readonly via: 'direct';
      /** Checked; dial these and no other. */
      readonly addresses: readonly Ip[];
      readonly rule: string;
      readonly reported: readonly string[];
    }
  | {
      readonly via: 'refused';
      readonly code: ErrorCode;
      readonly rule: string;
      readonly message: string;
    };
