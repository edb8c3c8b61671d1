import type { ExecutionContext } from 'ava';
import { connectPeer, type Message, type Peer } from './peer.ts';
import { freePort } from './ports.ts';

/** Requests as they look on the wire to a forward proxy, and what comes back. */
export const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

export function request(method: string, authority: string, ...fields: readonly string[]): string {
  const lines = [`${method} http://${authority}/ HTTP/1.1`, `Host: ${authority}`, ...fields];
  return `${lines.join('\r\n')}\r\n\r\n`;
}

export const get = (authority: string, ...fields: readonly string[]) =>
  request('GET', authority, ...fields);

export const inHttp10 = (text: string) => text.replace(' HTTP/1.1\r\n', ' HTTP/1.0\r\n');

export type Answered = Message & { readonly client: Peer };

/** One request on a connection of its own, which stays open. */
export async function ask(
  t: ExecutionContext,
  port: number,
  text: string,
  options: { readonly bodyless?: boolean } = {},
): Promise<Answered> {
  const client = await connectPeer(t, port);
  client.send(text);
  return { ...(await client.message(options)), client };
}

/** What every failure of an origin looks like to the client. */
export function isBadGateway(t: ExecutionContext, answer: Message, code: string): void {
  t.is(answer.status, 502);
  t.regex(answer.field('proxy-status') ?? '', new RegExp(`error=${code}\\b`));
}

/** An address at which nobody listens. */
export async function deadAuthority(): Promise<string> {
  return `127.0.0.1:${await freePort()}`;
}
