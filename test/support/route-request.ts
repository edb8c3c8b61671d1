/** Requests as a client sends them to a server, not to a proxy. */
export type RequestParts = {
  readonly method?: string;
  readonly target?: string;
  readonly host?: string;
  readonly fields?: readonly string[];
  /** Framed by its length, unless the fields say something of a Transfer-Encoding. */
  readonly body?: string;
};

export function requestText({
  method = 'GET',
  target = '/',
  host = 'shop.example',
  fields = [],
  body = '',
}: RequestParts = {}): string {
  const chunked = fields.some((field) => /^transfer-encoding:/i.test(field));
  const length = body === '' || chunked ? [] : [`Content-Length: ${Buffer.byteLength(body)}`];
  const head = [`${method} ${target} HTTP/1.1`, `Host: ${host}`, ...fields, ...length];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}

/** A body in chunks, one for each part. */
export function chunkedBody(...parts: readonly string[]): string {
  const chunks = parts.map((part) => `${Buffer.byteLength(part).toString(16)}\r\n${part}\r\n`);
  return `${chunks.join('')}0\r\n\r\n`;
}

/** An answer with a body of this length. */
export function answerText(
  body: string,
  fields: readonly string[] = [],
  status = '200 OK',
): string {
  const head = [`HTTP/1.1 ${status}`, ...fields, `Content-Length: ${Buffer.byteLength(body)}`];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}
