import { type ErrorCode, errorCodes, isRfc9209 } from '../../contracts/errors.ts';

/** The whole head of a successful CONNECT: no Content-Length, no Transfer-Encoding (RFC 9110 §9.3.6). */
export const established = 'HTTP/1.1 200 Connection Established\r\n\r\n';

const reasons: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  407: 'Proxy Authentication Required',
  408: 'Request Timeout',
  414: 'URI Too Long',
  417: 'Expectation Failed',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  505: 'HTTP Version Not Supported',
};

/** A refusal in HTTP: what goes into the head and the body. */
export type HttpRefusal = {
  readonly status: number;
  readonly reason: string;
  /** Name and value in turn; without Content-Length and Connection. */
  readonly fields: readonly string[];
  /** One line for people: what, and which rule or field to change. */
  readonly body: string;
};

/** Who answers. */
export type Answering = {
  /** For `Proxy-Status`. */
  readonly proxy: string;
  readonly realm: string | null;
  /** The methods that are served, where one is not. */
  readonly allow?: string;
};

const proxyMethods = 'GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH, CONNECT';
export const routeMethods = 'GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH';

/** RFC 9209 §2: `via; error=connection_refused; details="…"`. Never names secrets or internals. */
export function httpRefusal(
  code: ErrorCode,
  message: string,
  { proxy, realm, allow = proxyMethods }: Answering,
): HttpRefusal {
  const { status } = errorCodes[code];
  const fields = [
    'Content-Type',
    'text/plain; charset=utf-8',
    'Proxy-Status',
    `${proxyToken(proxy)}; error=${proxyStatusType(code)}; details=${quoted(message)}`,
  ];
  if (status === 407)
    fields.push('Proxy-Authenticate', `Basic realm=${quoted(realm ?? 'proxy')}, charset="UTF-8"`);
  if (status === 429) fields.push('Retry-After', '60');
  if (status === 503) fields.push('Retry-After', '1');
  if (status === 405) fields.push('Allow', allow);
  return { status, reason: reasons[status] ?? 'Error', fields, body: `${message}\n` };
}

/** A whole answer for a connection that Node's response object no longer serves. */
export function refusalText(refusal: HttpRefusal, connection: 'close' | 'keep-alive'): string {
  let head = `HTTP/1.1 ${refusal.status} ${refusal.reason}\r\n`;
  for (let at = 0; at < refusal.fields.length; at += 2) {
    head += `${refusal.fields[at]}: ${refusal.fields[at + 1]}\r\n`;
  }
  const length = new TextEncoder().encode(refusal.body).length;
  return `${head}Content-Length: ${length}\r\nConnection: ${connection}\r\n\r\n${refusal.body}`;
}

/** Codes of our own go out as the registered type that says the same. */
function proxyStatusType(code: ErrorCode): string {
  if (isRfc9209(code)) return code;
  const { side, status } = errorCodes[code];
  if (side === 'self') return 'proxy_internal_error';
  return status === 403 || status === 407 ? 'http_request_denied' : 'http_request_error';
}

/** An sf-token may hold what a pseudonym does; what it may not becomes a dash (RFC 8941 §3.3.4). */
function proxyToken(name: string): string {
  const token = name.replaceAll(/[^A-Za-z0-9!#$%&'*+.^_`|~:/-]/g, '-');
  return /^[A-Za-z*]/.test(token) ? token : `h-${token}`;
}

/** An sf-string: visible ASCII, quotes and backslashes escaped (RFC 8941 §3.3.3). */
function quoted(text: string): string {
  const ascii = text.replaceAll(/[^\x20-\x7e]/g, '?');
  return `"${ascii.replaceAll(/["\\]/g, (character) => `\\${character}`)}"`;
}
