import type { Load } from '../measure.ts';

const requests = {
  GET: { method: 'GET', bodyBytes: 0 },
  '4 KB POST': { method: 'POST', bodyBytes: 4 * 1024 },
  '170 KB POST': { method: 'POST', bodyBytes: 170 * 1024 },
} as const;

export type RequestName = keyof typeof requests;

export const requestNames = Object.keys(requests) as RequestName[]; // the keys of this very table

/** How that is asked: on kept connections, with the Host a client would give. */
export function loadOf(name: RequestName): Load {
  const request = { ...requests[name], target: '/orders/7?page=2', host: 'shop.example' };
  return { request, tunnelTo: null, keeps: true };
}
