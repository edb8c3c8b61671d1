import { maxEntryBytes } from './event-log.ts';
import { headerBytes } from './jetstream-streams.ts';
import type { NatsTrust } from './nats-accounts.ts';

export type NatsServerOptions = {
  readonly trust: NatsTrust;
  /** `0.0.0.0:4222` */
  readonly listen: string;
  /** `0.0.0.0:8222`: `/healthz`, `/varz`; `null` for none. */
  readonly monitor: string | null;
  readonly storeDirectory: string;
  /** Where `tls.crt` and `tls.key` lie; `null`: without TLS. */
  readonly tlsDirectory: string | null;
};

const smallestPayload = 1024 ** 2;

/** The configuration file of a nats-server that serves us alone. */
export function natsServerConfig(options: NatsServerOptions): string {
  const { trust, listen, monitor, storeDirectory, tlsDirectory } = options;
  const accounts = [...trust.accounts].map(([key, jwt]) => `  ${key}: ${jwt}`);
  const lines = [
    `listen: "${listen}"`,
    ...(monitor === null ? [] : [`http: "${monitor}"`]),
    `max_payload: ${Math.max(smallestPayload, maxEntryBytes + headerBytes)}`,
    'jetstream {',
    `  store_dir: "${storeDirectory}"`,
    '  # An append that was answered survives a crash of the machine.',
    '  sync_interval: always',
    '}',
    ...(tlsDirectory === null ? [] : tlsBlock(tlsDirectory)),
    `operator: ${trust.operatorJwt}`,
    `system_account: ${trust.systemAccount}`,
    'resolver: MEMORY',
    'resolver_preload {',
    ...accounts,
    '}',
  ];
  return `${lines.join('\n')}\n`;
}

function tlsBlock(directory: string): readonly string[] {
  return [
    'tls {',
    `  cert_file: "${directory}/tls.crt"`,
    `  key_file: "${directory}/tls.key"`,
    '  timeout: 5',
    '}',
  ];
}
