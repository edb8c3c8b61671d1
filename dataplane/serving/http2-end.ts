import type { Http2Stream } from 'node:http2';

/**
 * Whether the other side has said that its message is whole, asked when Node says `end`. Node ends
 * what was reset, by either side, as if it were whole; but that is closed before it ends. What is
 * whole may be ended once more when it closes.
 */
export function watchEnd(stream: Http2Stream): () => boolean {
  const push = stream.push.bind(stream);
  let whole = false;
  stream.push = (chunk: Buffer | null, encoding?: BufferEncoding) => {
    if (chunk === null) whole ||= !stream.closed;
    return push(chunk, encoding);
  };
  return () => whole;
}
