import { request as httpRequest, type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { errorCodes } from '../../contracts/errors.ts';
import { fieldValue, type RawFields } from '../protocols/http-fields.ts';
import type { ClientServing } from './client-serving.ts';
import type { Connection } from './connection.ts';
import { refuseRaw } from './refuse.ts';
import type { HandshakeEnded, TunnelReply } from './tunnel-request.ts';

/**
 * Which requests leave HTTP: HTTP/1.1 without a body, for any protocol but h2c (RFC 9110 §7.8).
 * The others are served as plain requests, their Upgrade field taken out like any hop-by-hop field.
 */
export function wantsUpgrade(request: IncomingMessage): boolean {
  const { headers, httpVersion, method } = request;
  const body =
    headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  const options = (headers.connection ?? '').toLowerCase();
  const protocol = (headers.upgrade ?? '').toLowerCase();
  return (
    httpVersion === '1.1' &&
    method === 'GET' &&
    !body &&
    options.includes('upgrade') &&
    protocol !== '' &&
    !protocol.includes('h2c')
  );
}

/** What the origin is asked, and what becomes of its answer. */
export type UpgradeQuestion = {
  readonly connection: Connection;
  readonly path: string;
  /** Without Connection and Upgrade. */
  readonly fields: readonly string[];
  /** The protocols the client offers. */
  readonly protocols: string;
  /** The fields of the answer as the client gets them. */
  returned(fields: RawFields): readonly string[];
};

/** The protocols a client offers to switch to. */
export function offeredProtocols(fields: RawFields): string {
  return fieldValue(fields, 'upgrade') ?? '';
}

/** How a request to switch protocols is answered: the origin decides; after its 101 it is a tunnel. */
export function upgradeReply(serving: ClientServing, question: UpgradeQuestion): TunnelReply {
  const { connection } = question;
  return {
    type: 'upgrade',
    okStatus: 101,
    statusOf: (code) => errorCodes[code].status,
    accept: () => undefined, // the handshake passed the 101 on
    refuse: (code, message) => refuseRaw(serving, connection, code, message, 'close'),
    handshake: (upstream, ended) => ask(question, upstream, ended),
  };
}

function ask(
  { connection, path, fields, protocols, returned }: UpgradeQuestion,
  upstream: Socket,
  { answering, done }: HandshakeEnded,
): void {
  const { socket } = connection;
  const writeHead = (status: number, answer: IncomingMessage, end: 'Upgrade' | 'close') => {
    const head = headText(status, answer, returned(answer.rawHeaders), end);
    // Node reads bytes above 0x7f as Latin-1: written so, they are the bytes that came.
    socket.write(head, 'latin1');
  };
  const asked = httpRequest({
    createConnection: () => upstream, // instead of an agent's: Node ignores it if `agent` is given
    method: 'GET',
    path,
    setHost: false,
    headers: [...fields, 'Connection', 'Upgrade', 'Upgrade', protocols],
  });
  asked.on('upgrade', (answer, _socket, early) => {
    writeHead(101, answer, 'Upgrade');
    if (early.length > 0) upstream.unshift(early);
    done({ result: 'tunnel' });
  });
  asked.on('response', (answer) => {
    const { statusCode = 502 } = answer;
    answering();
    writeHead(statusCode, answer, 'close');
    let sent = 0;
    answer.on('data', (chunk: Buffer) => {
      sent += chunk.length;
      if (socket.write(chunk)) return;
      answer.pause();
      socket.once('drain', () => answer.resume());
    });
    answer.on('end', () => done({ result: 'answered', status: statusCode, sent }));
    answer.on('error', () => {
      const message = 'the origin broke off its answer';
      done({ result: 'failed', code: 'http_response_incomplete', message });
    });
  });
  asked.on('error', () => {
    done({
      result: 'failed',
      code: 'http_upgrade_failed',
      message: 'the origin broke off the upgrade',
    });
  });
  asked.end();
}

function headText(
  status: number,
  answer: IncomingMessage,
  fields: readonly string[],
  connection: 'Upgrade' | 'close',
): string {
  let head = `HTTP/1.1 ${status} ${answer.statusMessage || STATUS_CODES[status] || ''}\r\n`;
  for (let at = 0; at < fields.length; at += 2) head += `${fields[at]}: ${fields[at + 1]}\r\n`;
  if (connection === 'Upgrade') head += `Upgrade: ${answer.headers.upgrade ?? ''}\r\n`;
  return `${head}Connection: ${connection}\r\n\r\n`;
}
