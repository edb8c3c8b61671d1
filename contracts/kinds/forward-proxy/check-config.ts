import { isRecord } from '../../json.ts';
import { addressClasses, type ForwardProxyConfig } from './config.ts';

export type ConfigProblem = {
  /** `egress.rules[0].hosts` */
  readonly field: string;
  readonly problem: string;
  /** Written by a newer operator: it may be a restriction, so the configuration is not served. */
  readonly unknownField: boolean;
};

type Check = (value: unknown, field: string) => ConfigProblem | null;

/** Whether a value from the log is exactly a ForwardProxyConfig; the first thing that is not, if so. */
export function checkForwardProxyConfig(value: unknown): ConfigProblem | null {
  return config(value, '');
}

/** For those who only want to know. */
export function isForwardProxyConfig(value: unknown): value is ForwardProxyConfig {
  return checkForwardProxyConfig(value) === null;
}

const text: Check = (value, field) => (typeof value === 'string' ? null : not(field, 'a string'));
const flag: Check = (value, field) => (typeof value === 'boolean' ? null : not(field, 'a boolean'));
const count: Check = (value, field) =>
  Number.isSafeInteger(value) && Number(value) >= 0 ? null : not(field, 'a whole number from 0 up');
const port: Check = (value, field) =>
  count(value, field) === null && Number(value) >= 1 && Number(value) <= 65_535
    ? null
    : not(field, 'a port');

function oneOf(...values: readonly string[]): Check {
  return (value, field) =>
    values.some((known) => known === value) ? null : not(field, `one of ${values.join(', ')}`);
}

function listOf(item: Check): Check {
  return (value, field) => {
    if (!Array.isArray(value)) return not(field, 'a list');
    for (const [index, element] of value.entries()) {
      const problem = item(element, `${field}[${index}]`);
      if (problem !== null) return problem;
    }
    return null;
  };
}

function fields(checks: Readonly<Record<string, Check>>): Check {
  return (value, field) => {
    if (!isRecord(value)) return not(field, 'an object');
    const within = (name: string) => (field === '' ? name : `${field}.${name}`);
    for (const name of Object.keys(value)) {
      if (Object.hasOwn(checks, name)) continue;
      return { field: within(name), problem: 'is not known to this version', unknownField: true };
    }
    for (const [name, check] of Object.entries(checks)) {
      const problem = check(value[name], within(name));
      if (problem !== null) return problem;
    }
    return null;
  };
}

function not(field: string, expected: string): ConfigProblem {
  return { field, problem: `is not ${expected}`, unknownField: false };
}

const portRange = fields({ from: port, to: port });
const action = oneOf('Allow', 'Deny', 'Report');

const withoutAuthentication = fields({ mode: oneOf('None') });
const basicAuthentication = fields({
  mode: oneOf('Basic'),
  secret: fields({ namespace: text, name: text, digest: text }),
  realm: text,
  attempts: count,
});
const authentication: Check = (value, field) =>
  isRecord(value) && value['mode'] === 'None'
    ? withoutAuthentication(value, field)
    : basicAuthentication(value, field);

const config = fields({
  pool: text,
  listeners: listOf(
    fields({
      name: text,
      port,
      address: text,
      protocol: oneOf('HTTP', 'SOCKS', 'Mixed'),
      socksVersions: listOf(oneOf('SOCKS4', 'SOCKS4a', 'SOCKS5')),
      allowedClientCIDRs: listOf(text),
    }),
  ),
  authentication,
  connect: fields({ enabled: flag, allowedPorts: listOf(portRange) }),
  egress: fields({
    defaultAction: action,
    rules: listOf(
      fields({
        name: text,
        action,
        clientCIDRs: listOf(text),
        hosts: listOf(text),
        ports: listOf(portRange),
        cidrs: listOf(text),
      }),
    ),
    addressPolicy: fields({
      deny: listOf(oneOf(...addressClasses)),
      allowCIDRs: listOf(text),
      denyCIDRs: listOf(text),
    }),
  }),
  dns: fields({ timeoutMs: count, family: oneOf('Auto', 'IPv4', 'IPv6') }),
  timeouts: fields({
    handshakeMs: count,
    requestHeadersMs: count,
    connectMs: count,
    responseHeadersMs: count,
    bodyIdleMs: count,
    idleMs: count,
    tunnelIdleMs: count,
    tunnelMaxMs: count,
    halfCloseMs: count,
  }),
  limits: fields({
    connections: count,
    connectionsPerClient: count,
    tunnels: count,
    tunnelsPerClient: count,
    headerBytes: count,
    headerCount: count,
    targetBytes: count,
  }),
  via: fields({ enabled: flag, pseudonym: text }),
  forwardedHeader: oneOf('None', 'Forwarded', 'XForwardedFor'),
  drain: fields({ timeoutMs: count, jitterMs: count, onPolicyChange: oneOf('Keep', 'Revoke') }),
  accessLog: fields({ enabled: flag, redactQuery: flag }),
  metrics: fields({
    clientLabel: fields({ mode: oneOf('None', 'Identity', 'IP'), max: count }),
    hostLabel: fields({ mode: oneOf('None', 'Host'), max: count }),
  }),
});
