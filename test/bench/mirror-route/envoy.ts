import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../../support/ports.ts';
import { installPythonProgram, pythonProgram } from '../install.ts';
import { startProgram, temporaryDirectory } from '../peer.ts';
import type { RoutePeer, Wiring } from './route-peer.ts';

const program = pythonProgram('envoy');

/** One worker, upstream connections that are kept (its default), no log, nothing added to requests that can be left out. */
export const envoy: RoutePeer = {
  name: 'envoy',
  whyMissing: () => installPythonProgram('envoy'),
  version: () => versionIn(execFileSync(program, ['--version'], { encoding: 'utf8' })),
  async start(scope, wiring) {
    const port = await freePort();
    const config = join(await temporaryDirectory(scope), 'envoy.json');
    await writeFile(config, JSON.stringify(configOf(port, wiring)));
    const args = ['--concurrency', '1', '--disable-hot-restart', '--log-level', 'error'];
    return await startProgram(scope, { port, command: [program, '-c', config, ...args] });
  },
};

const versionIn = (text: string) => / version: \w+\/([\d.]+)/.exec(text)?.[1] ?? 'unknown';

function configOf(port: number, { primary, mirror }: Wiring) {
  const mirroring = {
    request_mirror_policies: [{ cluster: 'mirror', disable_shadow_host_suffix_append: true }],
  };
  const route = { cluster: 'primary', ...(mirror === null ? {} : mirroring) };
  const connectionManager = {
    '@type': `${extensions}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: 'bench',
    codec_type: 'HTTP1',
    generate_request_id: false,
    route_config: {
      virtual_hosts: [{ name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, route }] }],
    },
    http_filters: [
      {
        name: 'envoy.filters.http.router',
        typed_config: {
          '@type': `${extensions}.filters.http.router.v3.Router`,
          suppress_envoy_headers: true,
        },
      },
    ],
  };
  const filter = {
    name: 'envoy.filters.network.http_connection_manager',
    typed_config: connectionManager,
  };
  return {
    static_resources: {
      listeners: [{ name: 'all', address: loopback(port), filter_chains: [{ filters: [filter] }] }],
      clusters: [
        cluster('primary', primary),
        ...(mirror === null ? [] : [cluster('mirror', mirror)]),
      ],
    },
  };
}

const extensions = 'type.googleapis.com/envoy.extensions';

const loopback = (port: number) => ({
  socket_address: { address: '127.0.0.1', port_value: port },
});

const cluster = (name: string, port: number) => ({
  name,
  type: 'STATIC',
  connect_timeout: '2s',
  load_assignment: {
    cluster_name: name,
    endpoints: [{ lb_endpoints: [{ endpoint: { address: loopback(port) } }] }],
  },
});
