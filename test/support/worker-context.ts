import type { LabelsOf, MetricName } from '../../contracts/metric-names.ts';
import { limitsMemory, openLimits } from '../../dataplane/limits/shared-limits.ts';
import { createDialer, type Dialer } from '../../dataplane/net/dial.ts';
import { createResolver } from '../../dataplane/net/resolver.ts';
import type { WorkerContext } from '../../dataplane/workers/context.ts';
import { createMeter, seriesKey } from '../../runtime/count.ts';

/** What a serving thread has: real, but for what only the main thread could do. */
export type TestContext = WorkerContext & {
  readonly dialer: Dialer;
  /** What a counter or gauge says now. */
  value<Name extends MetricName>(name: Name, labels: LabelsOf<Name>): number;
  /** All counters and gauges of this name that are not 0, by one of their labels. */
  values(name: MetricName, label: string): Readonly<Record<string, number>>;
};

export function workerContext({
  worker = 0,
  workers = 1,
  dialer = createDialer(),
  dnsServers = ['127.0.0.1:1'],
  isSelf = () => false,
}: Partial<Pick<WorkerContext, 'worker' | 'workers' | 'isSelf'>> & {
  readonly dialer?: Dialer;
  readonly dnsServers?: readonly string[];
} = {}): TestContext {
  const series = new Map<string, Series>();
  const meter = createMeter((message) => {
    if (message.type === 'scopeClosed') return;
    const { name, labels, index } = message;
    const cells = new Float64Array(message.page);
    series.set(seriesKey(name, labels), { name, labels, read: () => cells[index] ?? 0 });
  });
  return {
    worker,
    workers,
    seed: 1,
    pod: openLimits(limitsMemory(workers), worker),
    maxConnections: 1000,
    resolver: createResolver({
      servers: dnsServers,
      hostsFile: '/dev/null',
      resolvConf: '/dev/null',
      observe: () => undefined,
    }),
    dialer,
    meter,
    isSelf,
    accessLog: () => undefined,
    checkPassword: (_request, done) => done('wrong'),
    evictIdle: (_holder, _uid, done) => done(),
    error: (message, error) => {
      throw new Error(message, { cause: error });
    },
    value: (name, labels) => series.get(seriesKey(name, labels))?.read() ?? 0,
    values(name, label) {
      const found: Record<string, number> = {};
      for (const each of series.values()) {
        const value = each.read();
        if (each.name === name && value !== 0) found[each.labels[label] ?? ''] = value;
      }
      return found;
    },
  };
}

type Series = {
  readonly name: MetricName;
  readonly labels: Readonly<Record<string, string>>;
  read(): number;
};
