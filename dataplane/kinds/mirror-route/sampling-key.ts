import type { SamplingKey } from '../../../contracts/kinds/mirror-route/config.ts';
import type { RawFields } from '../../protocols/http-fields.ts';
import { combinedField } from './combined-field.ts';
import { cookieValue } from './cookie-value.ts';
import { queryParameter } from './query-parameter.ts';
import { toWire } from './wire-text.ts';

/** What of a request decides whether it is copied; all of it as received. */
export type SampledRequest = {
  readonly method: string;
  readonly fields: RawFields;
  /** Without the query. */
  readonly path: string;
  /** Without `?`; `null`: there is none. */
  readonly query: string | null;
  /** Canonical spelling (RFC 5952), an IPv4-mapped one as IPv4. */
  readonly clientAddress: string;
};

/**
 * What requests that are to be copied together have in common, `null`: this one has none. Empty is
 * as good as none: it would stand for everybody who has no key.
 */
export type ReadKey = (request: SampledRequest) => string | null;

export function compileKey(key: SamplingKey): ReadKey {
  const read = keyReader(key);
  return (request) => read(request) || null;
}

function keyReader(key: SamplingKey): ReadKey {
  switch (key.type) {
    case 'Header': {
      const { name } = key;
      return ({ fields }) => combinedField(fields, name);
    }
    case 'Cookie': {
      const name = toWire(key.name);
      return ({ fields }) => cookieValue(fields, name);
    }
    case 'QueryParam': {
      const name = toWire(key.name);
      return ({ query }) => queryParameter(query, name);
    }
    case 'ClientIP':
      return ({ clientAddress }) => clientAddress;
    case 'Path':
      return ({ path }) => path;
  }
}
