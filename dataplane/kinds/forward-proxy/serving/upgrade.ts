import { request as httpRequest, type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { type ErrorCode, errorCodes } from '../../../../contracts/errors.ts';
import { parseBasic } from '../../../protocols/basic-credentials.ts';
import { fieldValue, findHeadProblem, passedThrough } from '../../../protocols/http-fields.ts';
import { parseAbsoluteForm } from '../../../protocols/target.ts';
import { authenticate, authenticationMessages } from './authentication.ts';
import type { Connection } from './connection.ts';
import type { ForwardProxyServing } from './forward-proxy-serving.ts';
import { forwardedFields, returnedFields } from './forwarded-request.ts';
import { clientDenied, refuseRaw, reportRefusal } from './refuse.ts';
import { Tunnel } from './tunnel.ts';
import type { HandshakeEnded } from './tunnel-request.ts';

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

/** A request that asks to switch protocols: the origin decides; after its 101 it is a tunnel. */
export function serveUpgrade(
  proxy: ForwardProxyServing,
  connection: Connection,
  request: IncomingMessage,
  early: Buffer,
): void {
  const startedMs = Date.now();
  proxy.idle.delete(connection);
  connection.become('active');
  const { rawHeaders: fields, httpVersion, url = '', method = 'GET' } = request;
  const { policy } = proxy;

  function refuse(code: ErrorCode, message: string, user: string | null = null): void {
    refuseRaw(proxy, connection, code, message, 'close');
    reportRefusal(proxy, { type: 'upgrade', connection, code, startedMs, method, user });
  }

  if (!proxy.clientAllowed(connection)) {
    return refuse('client_address_denied', clientDenied(connection));
  }
  const problem = findHeadProblem(
    { method, target: url, httpVersion, fields },
    policy.config.limits,
  );
  if (problem !== null) return refuse(problem.code, problem.problem);
  const form = parseAbsoluteForm(url);
  if ('problem' in form) return refuse('http_request_error', form.problem);
  if (passedThrough(fields, policy.config.via.pseudonym)) {
    return refuse('proxy_loop_detected', 'this request has been here before (Via)');
  }

  const credentials = parseBasic(fieldValue(fields, 'proxy-authorization'));
  authenticate(proxy, connection.client, credentials, (failure, user) => {
    if (connection.socket.destroyed) return;
    if (failure !== null) return refuse(failure, authenticationMessages[failure] ?? failure, user);
    const { target, pathAndQuery } = form;
    const head = [
      ...forwardedFields(proxy.policy, connection, target, fields, httpVersion),
      'Connection',
      'Upgrade',
      'Upgrade',
      fieldValue(fields, 'upgrade') ?? '',
    ];
    const path = pathAndQuery.startsWith('/') ? pathAndQuery : `/${pathAndQuery}`;
    new Tunnel(proxy, {
      connection,
      target,
      user,
      method,
      early,
      reply: {
        type: 'upgrade',
        okStatus: 101,
        statusOf: (code) => errorCodes[code].status,
        accept: () => undefined, // the handshake passed the 101 on
        refuse: (code, message) => refuseRaw(proxy, connection, code, message, 'close'),
        handshake: (upstream, ended) =>
          askOrigin({ proxy, connection, upstream, path, head }, ended),
      },
    }).open();
  });
}

type Question = {
  readonly proxy: ForwardProxyServing;
  readonly connection: Connection;
  readonly upstream: Socket;
  readonly path: string;
  readonly head: readonly string[];
};

function askOrigin(
  { proxy, connection, upstream, path, head }: Question,
  { answering, done }: HandshakeEnded,
): void {
  const { socket } = connection;
  const writeHead = (status: number, answer: IncomingMessage, end: 'Upgrade' | 'close') => {
    const fields = returnedFields(proxy.policy, answer.rawHeaders, '1.1');
    // Node reads bytes above 0x7f as Latin-1: written so, they are the bytes that came.
    socket.write(headText(status, answer, fields, end), 'latin1');
  };
  const asked = httpRequest({
    createConnection: () => upstream, // instead of an agent's: Node ignores it if `agent` is given
    method: 'GET',
    path,
    setHost: false,
    headers: head,
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
