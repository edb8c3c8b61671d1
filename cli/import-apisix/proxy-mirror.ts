import type { Found } from './found.ts';
import type { Reader } from './reader.ts';
import { readSampleRatio } from './sample-ratio.ts';
import { tellChecked } from './upstream.ts';
import { defaultPorts, isLoopback, isPort, plainHttp, spokenBy } from './urls.ts';
import type { Fraction, WrittenTarget } from './written.ts';

/** What the plugin proxy-mirror says. */
export type ProxyMirror = {
  readonly where: Found;
  readonly target: WrittenTarget;
  /** `null`: the path of the request. */
  readonly path: { readonly mode: 'replace' | 'prefix'; readonly value: string } | null;
  /** `null`: all requests. */
  readonly fraction: Fraction | null;
};

const known = ['host', 'path', 'path_concat_mode', 'sample_ratio', '_meta', 'disable'];

/** `null`: it was refused. */
export function readProxyMirror(read: Reader, config: Found): ProxyMirror | null {
  for (const [name, field] of read.entries(config)) {
    // APISIX takes them without a word, and ignores them.
    if (!known.includes(name)) read.note(field, `proxy-mirror has no field "${name}": left out`);
  }
  const target = readHost(read, config);
  const path = readPath(read, config);
  const fraction = readFraction(read, config.at('sample_ratio'));
  if (target === null) return null;
  if (target.protocol === 'HTTP2' && path !== null) {
    const message = 'APISIX ignores path where copies are gRPC, and so it is left out';
    read.note(config.at('path'), message);
    return { where: config, target, path: null, fraction };
  }
  return { where: config, target, path, fraction };
}

function readHost(read: Reader, config: Found): WrittenTarget | null {
  const host = config.at('host');
  const text = read.text(host);
  if (text === null) {
    read.refuse(host, 'proxy-mirror needs host, the address of the mirror');
    return null;
  }
  const [, scheme = '', name = '', port, rest = ''] =
    /^([a-z]+):\/\/([0-9A-Za-z.-]+|\[[0-9a-fA-F:]+\])(?::([0-9]+))?(.*)$/s.exec(text) ?? [];
  const problem = findHostProblem({ scheme, port: Number(port ?? defaultPorts.http), rest });
  if (problem !== null) {
    read.refuse(host, problem);
    return null;
  }
  if (isLoopback(name)) {
    read.note(host, `${name} is where Headgate runs; on Kubernetes that is its own pod`);
  }
  const spoken = spokenBy(scheme) ?? plainHttp;
  if (spoken.scheme === 'https') tellChecked(read, host, 'mirrors');
  const origin = `${spoken.scheme}://${name}`;
  const url = port === undefined ? origin : `${origin}:${port}`;
  return spoken.protocol === 'HTTP2' ? { url, protocol: spoken.protocol } : { url };
}

type Host = { readonly scheme: string; readonly port: number; readonly rest: string };

/** Never quotes it: it may be a URL with a password. */
function findHostProblem({ scheme, port, rest }: Host): string | null {
  if (spokenBy(scheme) === null) return 'host is not an address such as http://127.0.0.1:8081';
  if (rest.startsWith('/')) return 'host has a path: write it as path of proxy-mirror';
  if (rest !== '') return 'host is not an address such as http://127.0.0.1:8081';
  return isPort(port) ? null : `${port} is not a port from 1 to 65535`;
}

function readPath(read: Reader, config: Found): ProxyMirror['path'] {
  const path = config.at('path');
  const value = read.text(path);
  const concat = config.at('path_concat_mode');
  const mode = read.text(concat) ?? 'replace';
  if (mode !== 'replace' && mode !== 'prefix') {
    read.refuse(concat, `"${mode}" is neither replace nor prefix`);
    return null;
  }
  if (value === null) return null;
  if (/^\/[^?&]+$/.test(value)) return { mode, value };
  read.refuse(
    path,
    'path of proxy-mirror begins with "/", goes on behind it, and has no "?" or "&"',
  );
  return null;
}

function readFraction(read: Reader, ratio: Found): Fraction | null {
  const number = read.number(ratio);
  if (number === null) return null;
  const sampled = readSampleRatio(number);
  if ('problem' in sampled) {
    read.refuse(ratio, `sample_ratio: ${sampled.problem}`);
    return null;
  }
  const { fraction, exact } = sampled;
  if (fraction !== null && !exact) {
    const { numerator, denominator } = fraction;
    const message = `${number} is finer than a fraction can say: it becomes ${numerator} of ${denominator}`;
    read.note(ratio, message);
  }
  return fraction;
}
