import { formatDuration, parseTime } from './durations.ts';
import type { Found } from './found.ts';
import type { Reader } from './reader.ts';
import type { MirrorTimeouts } from './written.ts';

const defaultMs = 60_000;
/** A MirrorRoute lets no copy take longer. */
const longestMs = 60_000;

/**
 * `plugin_attr.proxy-mirror.timeout` of config.yaml. APISIX limits each attempt to send and to read
 * something; for a MirrorRoute both together are the time a copy may take.
 */
export function readMirrorTimeouts(read: Reader, timeout: Found): MirrorTimeouts {
  read.onlyKnown(timeout, ['connect', 'read', 'send']);
  const ms = (name: string) => {
    const field = timeout.at(name);
    const text = read.label(field);
    const time = text === null ? defaultMs : parseTime(text);
    if (time === null || time === 0) read.refuse(field, `"${text}" is not a time such as 2000ms`);
    return time ?? defaultMs;
  };
  const connectMs = ms('connect');
  const requestMs = ms('send') + ms('read');
  if (Math.max(connectMs, requestMs) > longestMs) {
    read.note(timeout, 'copies may take 60s at most: longer times are cut to that');
  }
  return {
    connect: formatDuration(Math.min(connectMs, longestMs)),
    request: formatDuration(Math.min(requestMs, longestMs)),
  };
}
