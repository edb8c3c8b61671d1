import { StringDecoder } from 'node:string_decoder';
import { isRecord } from '../../contracts/json.ts';
import { ApiError, type WatchEvent } from './api.ts';
import { apiErrorInWatch, malformed } from './api-failures.ts';
import { isKubernetesObject } from './objects.ts';

/** The events of a watch, one line each. A line that the end cuts off was never said. */
export async function* readWatch(
  path: string,
  chunks: AsyncIterable<Buffer>,
): AsyncGenerator<WatchEvent> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of chunks) {
    const lines = (rest + decoder.write(chunk)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') yield eventIn(path, line);
  }
}

function eventIn(path: string, line: string): WatchEvent {
  const { type, object } = parseLine(path, line);
  if (type === 'ERROR') throw apiErrorInWatch(path, object);
  if (!isRecord(object) || !isRecord(object['metadata'])) throw malformed(path, null);
  if (type === 'BOOKMARK') {
    return { type, resourceVersion: String(object['metadata']['resourceVersion']) };
  }
  const isKnown = type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED';
  if (!isKnown || !isKubernetesObject(object)) throw malformed(path, null);
  return { type, object };
}

function parseLine(path: string, line: string): { type: unknown; object: unknown } {
  try {
    const event: unknown = JSON.parse(line);
    return isRecord(event) ? { type: event['type'], object: event['object'] } : failed(path);
  } catch (cause) {
    throw cause instanceof ApiError ? cause : malformed(path, cause);
  }
}

function failed(path: string): never {
  throw malformed(path, null);
}
