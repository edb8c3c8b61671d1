import { fieldValue, type RawFields } from './http-fields.ts';
import { parseAbsoluteForm, type TargetProblem } from './target.ts';

/** What a request to a server, rather than to a proxy, asks for. */
export type RequestTarget = {
  /** The Host as received, or the authority of an absolute target, which wins (RFC 9112 §3.2.2). */
  readonly host: string;
  /** As received; `/` where the target had no path. */
  readonly pathAndQuery: string;
  readonly path: string;
  /** Without `?`; `null`: there is none. */
  readonly query: string | null;
};

/** Origin-form or absolute-form (RFC 9112 §3.2); nothing is decoded or normalised. */
export function parseRequestTarget(text: string, fields: RawFields): RequestTarget | TargetProblem {
  if (text.startsWith('/')) {
    if (!isTargetText(text)) {
      return { problem: 'the target has a fragment, or characters that must be percent-encoded' };
    }
    return cut(fieldValue(fields, 'host') ?? '', text);
  }
  const form = parseAbsoluteForm(text);
  if ('problem' in form) return form;
  const { pathAndQuery } = form;
  const authority = text.slice('http://'.length, text.length - pathAndQuery.length);
  return cut(authority, pathAndQuery.startsWith('/') ? pathAndQuery : `/${pathAndQuery}`);
}

function cut(host: string, pathAndQuery: string): RequestTarget {
  const mark = pathAndQuery.indexOf('?');
  return mark < 0
    ? { host, pathAndQuery, path: pathAndQuery, query: null }
    : {
        host,
        pathAndQuery,
        path: pathAndQuery.slice(0, mark),
        query: pathAndQuery.slice(mark + 1),
      };
}

/** Visible ASCII without `#`: a fragment never travels (RFC 9110 §4.2.5). */
function isTargetText(text: string): boolean {
  return /^[\x21\x22\x24-\x7e]*$/.test(text);
}

/** The fields of a request as they say whom it is for: an absolute target wins over its Host. */
export function fieldsFor(target: RequestTarget, fields: RawFields): RawFields {
  if (target.host === (fieldValue(fields, 'host') ?? '')) return fields;
  const kept = ['Host', target.host];
  for (let at = 0; at < fields.length; at += 2) {
    const [name = '', value = ''] = [fields[at], fields[at + 1]];
    if (name.toLowerCase() !== 'host') kept.push(name, value);
  }
  return kept;
}
