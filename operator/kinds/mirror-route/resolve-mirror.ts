import type { MirrorConfig } from '../../../contracts/kinds/mirror-route/config.ts';
import type { MirrorRouteSpec } from '../../../contracts/kinds/mirror-route/spec.ts';
import type { FieldReader } from '../resolve-fields.ts';
import { readHeaderChange } from './header-change.ts';
import { readMirrorHostname } from './mirror-hostname.ts';
import { readOrigin } from './origin.ts';
import { readPath } from './paths.ts';
import { readSampling } from './sampling.ts';

export type Resource = { readonly name: string; readonly namespace: string };

type WrittenMirror = NonNullable<MirrorRouteSpec['rules'][number]['mirrors']>[number];

const mebibyte = 1_048_576;
/** Reading a longer one takes too much memory and time of a thread that serves clients. */
const maxJsonBytes = 4 * mebibyte;

export function readMirror(
  read: FieldReader,
  field: string,
  written: WrittenMirror,
  resource: Resource,
): MirrorConfig {
  const { path } = written;
  return {
    name: written.name,
    origin: readMirrorOrigin(read, field, written, resource.namespace),
    fraction: readFraction(written),
    sampling: readSampling(written.sampling),
    methods: written.methods ?? [],
    path:
      path === undefined
        ? null
        : { type: path.type, value: readPath(read, `${field}.path.value`, path.value) },
    hostname: readMirrorHostname(read, `${field}.hostname.value`, written.hostname),
    requestHeaders: readHeaderChange(
      read,
      `${field}.requestHeaderModifier`,
      written.requestHeaderModifier,
    ),
    mark: readMark(written.mark, resource),
    body: {
      mode: written.body.mode,
      maxBytes: read.bytes(`${field}.body.maxBytes`, written.body.maxBytes, 0, 64 * mebibyte),
      onOverflow: written.body.onOverflow,
    },
    timeouts: {
      connectMs: read.durationMs(`${field}.timeouts.connect`, written.timeouts.connect),
      requestMs: read.durationMs(`${field}.timeouts.request`, written.timeouts.request),
    },
    limits: readLimits(read, `${field}.limits`, written.limits),
    circuitBreaker: readBreaker(read, `${field}.circuitBreaker`, written.circuitBreaker),
    compare: readCompare(read, `${field}.compare`, written.compare),
  };
}

function readMirrorOrigin(
  read: FieldReader,
  field: string,
  { backendRef, tls }: WrittenMirror,
  namespace: string,
): MirrorConfig['origin'] {
  const fields = { reference: `${field}.backendRef`, tls: `${field}.tls` };
  return readOrigin(
    read,
    fields,
    tls === undefined ? backendRef : { ...backendRef, tls },
    namespace,
  );
}

function readFraction({ percent, fraction }: WrittenMirror): MirrorConfig['fraction'] {
  if (fraction !== undefined) {
    return { numerator: fraction.numerator, denominator: fraction.denominator };
  }
  return { numerator: percent ?? 100, denominator: 100 };
}

function readMark(
  { header, value, disabled }: WrittenMirror['mark'],
  { name, namespace }: Resource,
): MirrorConfig['mark'] {
  return disabled ? null : { name: header, value: value ?? `${namespace}/${name}` };
}

function readLimits(
  read: FieldReader,
  field: string,
  { concurrent, queue, bufferedBytes, requestsPerSecond }: WrittenMirror['limits'],
): MirrorConfig['limits'] {
  return {
    concurrent,
    queue,
    bufferedBytes: read.bytes(`${field}.bufferedBytes`, bufferedBytes, 0, 1024 * mebibyte),
    requestsPerSecond,
  };
}

function readBreaker(
  read: FieldReader,
  field: string,
  { consecutiveFailures, interval, openFor, maxOpenFor }: WrittenMirror['circuitBreaker'],
): MirrorConfig['circuitBreaker'] {
  return {
    consecutiveFailures,
    intervalMs: read.durationMs(`${field}.interval`, interval),
    openForMs: read.durationMs(`${field}.openFor`, openFor),
    maxOpenForMs: read.durationMs(`${field}.maxOpenFor`, maxOpenFor),
  };
}

function readCompare(
  read: FieldReader,
  field: string,
  { mode, percent, ignoreHeaders, ignoreJSONPointers, maxBytes }: WrittenMirror['compare'],
): MirrorConfig['compare'] {
  const most = read.bytes(`${field}.maxBytes`, maxBytes, 0, 64 * mebibyte);
  if (ignoreJSONPointers !== undefined && most > maxJsonBytes) {
    read.refuse(`${field}.maxBytes`, 'is more than 4Mi, the most with ignoreJSONPointers');
  }
  return {
    mode: mode === 'None' ? 'Off' : mode,
    percent,
    ignoreHeaders: [...new Set(ignoreHeaders.map((name) => name.toLowerCase()))],
    ignoreJSONPointers: ignoreJSONPointers ?? [],
    maxBytes: most,
  };
}
