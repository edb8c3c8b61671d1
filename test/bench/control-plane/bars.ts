import type { Measured } from './report.ts';
import { quantile } from './samples.ts';

/** What the project wants to reach on two cores, and where it got. */
type Bar = {
  readonly what: string;
  readonly unit: string;
  readonly atMost: number;
  /** `null`: not measured. */
  readonly measured: number | null;
};

/** Those of which something was measured or should have been. */
export function barsOf({ edits, creations, memory }: Measured): readonly Bar[] {
  const idle = edits.find(({ churn }) => churn === null)?.edits ?? [];
  const churn = edits.find((run) => run.churn !== null)?.edits ?? [];
  const applied = (of: typeof idle, q: number) =>
    of.length === 0
      ? null
      : quantile(
          of.map((edit) => edit.applied),
          q,
        );
  const [first] = creations;
  const seconds = first === undefined ? null : first.createdSeconds + first.restSeconds;
  const resident = memory.filter(({ resources }) => resources !== 1); // that is 0 with a pod
  return [
    { what: 'change → applied, idle, p50', unit: 'ms', atMost: 15, measured: applied(idle, 0.5) },
    { what: 'change → applied, idle, p99', unit: 'ms', atMost: 50, measured: applied(idle, 0.99) },
    {
      what: 'change → applied, churn, p99',
      unit: 'ms',
      atMost: 400,
      measured: applied(churn, 0.99),
    },
    {
      what: '1,000 created → all Programmed',
      unit: 's',
      atMost: 10,
      measured: perThousand(seconds, first?.resources),
    },
    {
      what: 'status writes for 1,000',
      unit: '',
      atMost: 2000,
      measured: perThousand(first?.statusWrites ?? null, first?.resources),
    },
    ...[120, 200, 450].map((atMost, index) => {
      const { resources = ['no', 1000, 10_000][index], leader = null } = resident[index] ?? {};
      return {
        what: `operator memory, ${resources} resources`,
        unit: 'MB',
        atMost,
        measured: leader,
      };
    }),
  ];
}

function perThousand(value: number | null, resources = 1000): number | null {
  return value === null ? null : (value * 1000) / resources;
}
