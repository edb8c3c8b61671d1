import { hashSync } from 'bcrypt';

/** What a test says of a ForwardProxy; the rest is open, so that it can reach origins on loopback. */
export type ForwardProxyParts = {
  readonly name?: string;
  readonly namespace?: string;
  readonly port: number;
  /** Merged over an open spec, one level deep. */
  readonly spec?: Readonly<Record<string, unknown>>;
};

/** One document of YAML (JSON is YAML) with a ForwardProxy on 127.0.0.1 that allows every port and loopback. */
export function forwardProxy({
  name = 'egress',
  namespace = 'test',
  port,
  spec = {},
}: ForwardProxyParts): string {
  return document({
    apiVersion: 'headgate.dev/v1alpha1',
    kind: 'ForwardProxy',
    metadata: { name, namespace },
    spec: {
      listeners: [{ name: 'all', port, address: '127.0.0.1', protocol: 'Mixed' }],
      connect: { allowedPorts: ['1-65535'] },
      egress: { addressPolicy: { allowCIDRs: ['127.0.0.0/8', '::1/128'] } },
      // The name server of a test runs in its process, which busy cores and many children hold up.
      dns: { timeout: '30s' },
      ...spec,
    },
  });
}

/** A Secret for `authentication.basic.secretRef`, with cheap hashes. */
export function usersSecret(
  users: Readonly<Record<string, string>>,
  { name = 'users', namespace = 'test', cost = 4 } = {},
): string {
  const lines = Object.entries(users).map(
    ([user, password]) => `${user}:${hashSync(password, cost)}`,
  );
  return document({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace },
    stringData: { auth: `${lines.join('\n')}\n` },
  });
}

export const basicAuthentication = {
  mode: 'Basic',
  basic: { secretRef: { name: 'users' } },
} as const;

const document = (value: unknown) => `---\n${JSON.stringify(value, null, 2)}\n`;
