import { dlopen } from 'node:ffi';

let dup: ((fd: number) => number) | null = null;

/** dup(2): one more descriptor onto the same open socket. */
export function duplicateDescriptor(fd: number): number {
  dup ??= loadDup();
  const duplicate = dup(fd);
  if (duplicate < 0) throw new Error('no descriptor left to share a listening socket');
  return duplicate;
}

function loadDup(): (fd: number) => number {
  const { functions } = dlopen(null, { dup: { arguments: ['i32'], return: 'i32' } });
  const loaded = functions.dup;
  return (fd) => Number(loaded(fd));
}
