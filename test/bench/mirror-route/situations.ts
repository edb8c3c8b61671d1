import type { Peer } from '../peer.ts';
import type { MirrorName } from './mirrors.ts';
import type { RequestName } from './work.ts';

/** What clients ask, and what the mirror is like meanwhile. */
export type Situation = { readonly request: RequestName; readonly mirror: MirrorName };

/** What is measured of a peer. */
export const situationsFor = ({ name }: Peer): readonly Situation[] =>
  situations.filter(({ of = name }) => of === name);

const situations: readonly (Situation & { readonly of?: string })[] = [
  { request: 'GET', mirror: 'none' },
  { request: 'GET', mirror: 'healthy' },
  // nginx keeps a connection to a mirror only if the answer has no body: it is shown at its best too.
  { request: 'GET', mirror: 'bodiless', of: 'nginx' },
  { request: 'GET', mirror: 'hung' },
  { request: 'GET', mirror: 'resetting', of: 'headgate' },
  { request: 'GET', mirror: 'black-holed', of: 'headgate' },
  { request: '4 KB POST', mirror: 'none' },
  { request: '4 KB POST', mirror: 'healthy' },
  { request: '4 KB POST', mirror: 'bodiless', of: 'nginx' },
  { request: '4 KB POST', mirror: 'slow', of: 'headgate' },
  { request: '170 KB POST', mirror: 'healthy' },
  { request: '170 KB POST', mirror: 'bodiless', of: 'nginx' },
];
