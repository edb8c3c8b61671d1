import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** CPU time of a process and its children so far, all threads, in microseconds. */
export function cpuMicros(pid: number): number {
  const ticks = withChildren(pid).map((each) => {
    const stat = readFileSync(`/proc/${each}/stat`, 'utf8');
    // The second field is the program's name and may hold spaces and brackets; utime and stime are 14 and 15.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return Number(fields[11]) + Number(fields[12]);
  });
  return (sum(ticks) * 1e6) / ticksPerSecond;
}

/** Memory a process and its children hold now, in MB. */
export function residentMegabytes(pid: number): number {
  const kilobytes = withChildren(pid).map((each) => {
    const status = readFileSync(`/proc/${each}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]);
  });
  return sum(kilobytes) / 1024;
}

/** A master and its workers are one proxy. */
function withChildren(pid: number): readonly number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return [pid, ...children.split(' ').filter(Boolean).map(Number)];
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
