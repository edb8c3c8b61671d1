import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { forwardProxy } from '../../support/forward-proxy.ts';
import { startHeadgate } from '../../support/headgate-up.ts';
import { freePort } from '../../support/ports.ts';
import type { Scope } from '../../support/teardowns.ts';
import { installDebianPackage } from '../install.ts';
import {
  firstLine,
  headgateVersion,
  type Peer,
  type RunningProxy,
  startProgram,
  temporaryDirectory,
} from '../peer.ts';

export type ForwardPeer = Peer & { start(scope: Scope): Promise<RunningProxy> };

export const peers: readonly ForwardPeer[] = [headgate(1), headgate(2), squid(), tinyproxy()];

function headgate(workers: number): ForwardPeer {
  return {
    name: workers === 1 ? 'headgate' : `headgate --workers ${workers}`,
    whyMissing: () => null,
    version: headgateVersion,
    async start(scope) {
      const spec = { accessLog: { enabled: false } };
      const resources = ([port = 0]: readonly number[]) => forwardProxy({ port, spec });
      return await startHeadgate(scope, { workers, resources });
    },
  };
}

function squid(): ForwardPeer {
  return {
    name: 'squid',
    whyMissing: () => installDebianPackage('squid'),
    version: () => firstLine('squid', '--version').replace(/^.*Version /, ''),
    async start(scope) {
      const port = await freePort();
      const directory = await temporaryDirectory(scope);
      const config = join(directory, 'squid.conf');
      await writeFile(
        config,
        [
          `http_port 127.0.0.1:${port}`,
          'http_access allow all',
          'cache deny all',
          'cache_mem 0 MB',
          'access_log none',
          `cache_log ${join(directory, 'cache.log')}`,
          'pid_filename none',
          'netdb_filename none',
          'shutdown_lifetime 0 seconds',
          '',
        ].join('\n'),
      );
      return await startProgram(scope, { port, command: ['squid', '-N', '-f', config] });
    },
  };
}

function tinyproxy(): ForwardPeer {
  return {
    name: 'tinyproxy',
    whyMissing: () => installDebianPackage('tinyproxy'),
    version: () => firstLine('tinyproxy', '-v').replace(/^tinyproxy /, ''),
    async start(scope) {
      const port = await freePort();
      const config = join(await temporaryDirectory(scope), 'tinyproxy.conf');
      const lines = [`Port ${port}`, 'Listen 127.0.0.1', 'MaxClients 500', 'LogLevel Critical', ''];
      await writeFile(config, lines.join('\n'));
      return await startProgram(scope, { port, command: ['tinyproxy', '-d', '-c', config] });
    },
  };
}
