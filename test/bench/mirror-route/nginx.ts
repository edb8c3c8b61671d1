import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../../support/ports.ts';
import { installDebianPackage } from '../install.ts';
import { firstLine, startProgram, temporaryDirectory } from '../peer.ts';
import type { RoutePeer, Wiring } from './route-peer.ts';

/** One worker, upstream connections that are kept, bodies of 170 KB in memory, no log. */
export const nginx: RoutePeer = {
  name: 'nginx',
  whyMissing: () => installDebianPackage('nginx'),
  version: () => firstLine('sh', '-c', 'nginx -v 2>&1').replace(/^.*nginx\//, ''),
  async start(scope, wiring) {
    const port = await freePort();
    const directory = await temporaryDirectory(scope);
    const config = join(directory, 'nginx.conf');
    await writeFile(config, configOf(port, directory, wiring));
    return await startProgram(scope, {
      port,
      command: ['nginx', '-p', directory, '-c', config, '-e', 'stderr'],
      endedBy: 'SIGTERM',
    });
  },
};

const configOf = (port: number, directory: string, { primary, mirror }: Wiring) => `
daemon off;
worker_processes 1;
pid ${directory}/nginx.pid;
error_log stderr emerg;
events { worker_connections 4096; }
http {
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  client_body_buffer_size 256k;
  ${temporaryPaths.map((name) => `${name}_temp_path ${directory}/${name};`).join('\n  ')}
  ${upstream('primary', primary)}
  ${mirror === null ? '' : upstream('mirror', mirror)}
  server {
    listen 127.0.0.1:${port};
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $http_host;
    location / {
      proxy_pass http://primary;
      ${mirror === null ? '' : 'mirror /mirror;'}
    }
    ${mirror === null ? '' : mirrorLocation}
  }
}
`;

const temporaryPaths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

const upstream = (name: string, port: number) =>
  `upstream ${name} { server 127.0.0.1:${port}; keepalive 64; keepalive_requests 1000000000; }`;

const mirrorLocation = 'location = /mirror { internal; proxy_pass http://mirror$request_uri; }';
