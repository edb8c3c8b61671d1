import {
  count,
  fields,
  flag,
  listOf,
  oneOf,
  port,
  text,
  type ValueProblem,
  variantOf,
} from '../../check-value.ts';
import {
  accessLog,
  addressPolicy,
  dns,
  forwardedHeader,
  limits,
  listenerAddress,
  secretReference,
  timeouts,
  via,
} from '../check-serving.ts';
import type { ForwardProxyConfig } from './config.ts';

/** Whether a value from the log is exactly a ForwardProxyConfig; the first thing that is not, if so. */
export function checkForwardProxyConfig(value: unknown): ValueProblem | null {
  return config(value, '');
}

/** For those who only want to know. */
export function isForwardProxyConfig(value: unknown): value is ForwardProxyConfig {
  return checkForwardProxyConfig(value) === null;
}

const portRange = fields({ from: port, to: port });
const action = oneOf('Allow', 'Deny', 'Report');

const authentication = variantOf('mode', {
  None: fields({ mode: text }),
  Basic: fields({ mode: text, secret: secretReference, realm: text, attempts: count }),
});

const config = fields({
  pool: text,
  listeners: listOf(
    fields({
      ...listenerAddress,
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
    addressPolicy,
  }),
  dns,
  timeouts,
  limits,
  via,
  forwardedHeader,
  drain: fields({ timeoutMs: count, jitterMs: count, onPolicyChange: oneOf('Keep', 'Revoke') }),
  accessLog,
  metrics: fields({
    clientLabel: fields({ mode: oneOf('None', 'Identity', 'IP'), max: count }),
    hostLabel: fields({ mode: oneOf('None', 'Host'), max: count }),
  }),
});
