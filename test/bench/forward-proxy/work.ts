import type { Load } from '../measure.ts';

/** What is asked of every proxy; `clients` ask at once, each waits for its answer. */
export const works = {
  'tunnel-post': '170 KB POST over a kept tunnel',
  'tunnel-get': 'small GET over a kept tunnel',
  'connect-get': 'a CONNECT per request',
  'forward-get': 'plain forward GET',
} as const;

export type WorkName = keyof typeof works;

export const workNames = Object.keys(works) as WorkName[]; // the keys of this very table

const postBytes = 170 * 1024;

/** How that is asked, of an origin on this port. */
export function loadOf(work: WorkName, originPort: number): Load {
  const host = `127.0.0.1:${originPort}`;
  const get = { method: 'GET', target: '/get', host, bodyBytes: 0 } as const;
  const post = { method: 'POST', target: '/post', host, bodyBytes: postBytes } as const;
  const tunnelled = { tunnelTo: host, keeps: true };
  switch (work) {
    case 'tunnel-post':
      return { request: post, ...tunnelled };
    case 'tunnel-get':
      return { request: get, ...tunnelled };
    case 'connect-get':
      return { request: get, tunnelTo: host, keeps: false };
    case 'forward-get':
      return { request: { ...get, target: `http://${host}/get` }, tunnelTo: null, keeps: true };
  }
}
