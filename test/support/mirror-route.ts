import { type HeadgateUp, startHeadgate } from './headgate-up.ts';
import type { Scope } from './teardowns.ts';

export type RouteSpec = Readonly<Record<string, unknown>> & {
  readonly rules: readonly unknown[];
  /** `tls` of its listener, which then speaks HTTPS. */
  readonly tls?: object;
};

/** One document of YAML (JSON is YAML) with a MirrorRoute on 127.0.0.1. */
export function mirrorRoute(name: string, port: number, { tls, ...spec }: RouteSpec): string {
  const secure = tls === undefined ? {} : { protocol: 'HTTPS', tls };
  const document = {
    apiVersion: 'headgate.dev/v1alpha1',
    kind: 'MirrorRoute',
    metadata: { name, namespace: 'test' },
    spec: {
      listeners: [{ name: 'all', port, address: '127.0.0.1', ...secure }],
      // The name server of a test runs in its process, which busy cores and many children hold up.
      dns: { timeout: '30s' },
      ...spec,
    },
  };
  return `---\n${JSON.stringify(document, null, 2)}\n`;
}

/** A Secret as `kubectl create secret tls` makes it. */
export function tlsSecret(
  name: string,
  { cert, key }: { readonly cert: string; readonly key: string },
): string {
  const document = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace: 'test' },
    type: 'kubernetes.io/tls',
    stringData: { 'tls.crt': cert, 'tls.key': key },
  };
  return `---\n${JSON.stringify(document)}\n`;
}

type Target = { readonly authority: string };

/** A Secret `test/NAME` with these certificates. */
export function caSecret(name: string, pem: string): string {
  const metadata = { name, namespace: 'test' };
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata, stringData: { 'ca.crt': pem } };
  return `---\n${JSON.stringify(secret)}\n`;
}

/** A rule that sends everything to one backend. */
export function ruleTo({ authority }: Target, parts: object = {}) {
  return { backendRefs: [{ url: `http://${authority}` }], ...parts };
}

/** Sends everything to one backend over HTTP/2. */
export function http2To({ authority }: Target, parts: object = {}): RouteSpec {
  const backendRefs = [{ url: `http://${authority}`, protocol: 'HTTP2' }];
  return { rules: [{ backendRefs, ...parts }] };
}

/** A mirror that gets a copy of everything, called `canary`. */
export function mirrorTo({ authority }: Target, parts: object = {}) {
  return { name: 'canary', backendRef: { url: `http://${authority}` }, ...parts };
}

export type Routes<Name extends string> = {
  readonly up: HeadgateUp;
  readonly portOf: Readonly<Record<Name, number>>;
  /** The same resources, some with other specs, to be applied. */
  edited(specs: Partial<Record<Name, RouteSpec>>, documents?: string): string;
};

export type RoutesOptions = {
  readonly args?: readonly string[];
  readonly workers?: number;
  /** How late the serving threads believe to be; default: never. */
  readonly lateMs?: number;
  /** Documents beside the routes, each beginning with `---`. */
  readonly documents?: string;
  /** A program that every thread runs before its own. */
  readonly preload?: string;
  readonly env?: Readonly<Record<string, string>>;
};

/**
 * One `headgate up` that serves a MirrorRoute per entry, each on a port of its own. Threads that are
 * late copy nothing, and on a busy machine they may well be: here they believe what the test says.
 */
export async function startRoutes<Name extends string>(
  scope: Scope,
  specs: Readonly<Record<Name, RouteSpec>>,
  { args = [], workers, lateMs = 0, documents = '', preload = '', env = {} }: RoutesOptions = {},
): Promise<Routes<Name>> {
  const names = Object.keys(specs) as Name[]; // the keys of this very record
  const render = (
    ports: readonly number[],
    other: Partial<Record<Name, RouteSpec>> = {},
    beside = documents,
  ) =>
    names
      .map((name, at) => mirrorRoute(name, ports[at] ?? 0, other[name] ?? specs[name]))
      .join('') + beside;
  const up = await startHeadgate(scope, {
    args,
    ...(workers === undefined ? {} : { workers }),
    env: { ...env, ...asLateAs(lateMs, preload) },
    ports: names.length,
    resources: (ports) => render(ports),
  });
  const unserved = names.filter(
    (name) => !up.stdout.all.some((line) => line.startsWith(`MirrorRoute/test/${name} Programmed`)),
  );
  if (unserved.length > 0) throw new Error(`not served: ${unserved}\n${up.stdout.all.join('\n')}`);
  const portOf = Object.fromEntries(names.map((name, at) => [name, up.ports[at] ?? 0]));
  return {
    up,
    portOf: portOf as Record<Name, number>,
    edited: (changes, beside) => render(up.ports, changes, beside),
  };
}

/** Environment in which serving threads believe to be so late; each thread also runs `program` before its own. */
export function asLateAs(lateMs: number, program = ''): Readonly<Record<string, string>> {
  return { NODE_OPTIONS: `${imported(loopDelay(lateMs))} ${imported(program)}` };
}

const imported = (program: string): string =>
  `--import=data:text/javascript,${encodeURIComponent(program)}`;

const loopDelay = (lateMs: number): string => `
  import perfHooks from 'node:perf_hooks';
  import { syncBuiltinESMExports } from 'node:module';
  import { isMainThread } from 'node:worker_threads';
  const nanoseconds = ${lateMs} * 1e6;
  const nothing = () => undefined;
  if (!isMainThread) {
    perfHooks.monitorEventLoopDelay = () => ({
      enable: nothing, disable: nothing, reset: nothing, percentile: () => nanoseconds,
    });
    syncBuiltinESMExports();
  }
`;
