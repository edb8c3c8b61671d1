import type { ServerResponse } from 'node:http';
import { endToEndFields, type RawFields } from '../protocols/http-fields.ts';
import type { ClientAnswer, HeadFacts } from './client-message.ts';
import type { Connection } from './connection.ts';

/** An answer over HTTP/1.1 or HTTP/1.0, whose turn it is on its connection. */
export class Http1Answer implements ClientAnswer {
  readonly #connection: Connection;
  readonly #response: ServerResponse;

  constructor(connection: Connection, response: ServerResponse) {
    this.#connection = connection;
    this.#response = response;
  }

  get headSent(): boolean {
    return this.#response.headersSent;
  }

  get status(): number {
    return this.#response.statusCode;
  }

  get whole(): boolean {
    return this.#response.writableFinished;
  }

  get moved(): number {
    const { bytesRead, bytesWritten } = this.#connection.socket;
    return bytesRead + bytesWritten;
  }

  onceClosed(callback: () => void): void {
    this.#response.once('close', callback);
  }

  onceDrained(callback: () => void): void {
    this.#response.once('drain', callback);
  }

  continue(): void {
    this.#response.writeContinue();
  }

  inform(status: number, fields: RawFields): void {
    if (this.#response.req.httpVersion === '1.0' || status === 101) return;
    // An origin may send any number of them: those a client does not read are not kept for it.
    if (this.#connection.socket.writableNeedDrain) return;
    this.#response.writeInformation(status, endToEndFields(fields));
  }

  head(status: number, reason: string, fields: string[], { last }: HeadFacts): void {
    const response = this.#response;
    if (last) {
      response.shouldKeepAlive = false;
      fields.push('Connection', 'close');
    }
    // Node destroys the socket with the last byte; a client that is still sending would then
    // see a reset instead of the answer.
    if (!response.shouldKeepAlive) {
      this.#connection.socket.destroySoon = () => this.#connection.linger();
    }
    response.writeHead(status, reason, fields);
  }

  flushHead(): void {
    this.#response.flushHeaders();
  }

  write(chunk: Buffer): boolean {
    return this.#response.write(chunk);
  }

  end(body?: string): void {
    this.#response.end(body);
  }

  breakOff(): void {
    this.#connection.reset();
  }

  cut(): void {
    this.#connection.socket.destroy();
  }

  drained(): void {
    this.#response.emit('drain');
  }
}
