import type { ClientRequest } from './client-message.ts';

/** Chunk framing may not outweigh the body by more than this (chunk extensions are no free ride). */
const maxFramingBytes = 256 * 1024;
const framingPerBodyByte = 16;

export function hasBody({ headers }: Pick<ClientRequest, 'headers'>): boolean {
  const length = headers['content-length'];
  return headers['transfer-encoding'] !== undefined || (length !== undefined && Number(length) > 0);
}

/** Counts what comes of a request body, whoever reads it. */
export class BodyCount {
  #received = 0;

  /** `tooMuchFraming` is called when the framing of the chunks (of HTTP/1) outweighs them. */
  constructor(request: ClientRequest, tooMuchFraming: () => void) {
    if (!hasBody(request)) return;
    const { socket } = request;
    const startBytes = socket?.bytesRead ?? 0;
    this.#received = request.readableLength;
    const push = request.push.bind(request);
    request.push = (chunk: Buffer | null, encoding?: BufferEncoding) => {
      this.#received += chunk?.length ?? 0;
      const framing = (socket?.bytesRead ?? 0) - startBytes - this.#received;
      if (framing > maxFramingBytes + framingPerBodyByte * this.#received) tooMuchFraming();
      return push(chunk, encoding);
    };
  }

  get received(): number {
    return this.#received;
  }
}
