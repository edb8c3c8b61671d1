import { type Alert, alertGroups } from '../../cdk8s/dashboards/alerts.ts';
import { dashboardRows } from '../../cdk8s/dashboards/dashboard.ts';
import type { Prometheus, Sample } from './prometheus.ts';

/** Something that a panel or an alert rule asks Prometheus. */
export type Question = {
  /** `panel Operator / Leaders` */
  readonly asker: string;
  readonly query: string;
};

/** Every query of every panel, with Grafana's variables filled in, and of every alert rule, without its limit. */
export function allQuestions(): readonly Question[] {
  const panels = dashboardRows.flatMap((row) =>
    row.panels.flatMap((panel) =>
      panel.queries.map(({ query }) => ({
        asker: `panel ${row.title} / ${panel.title}`,
        query: query
          .replaceAll('$__rate_interval', '15s')
          .replaceAll('$pool', '.*')
          .replaceAll('$resource', '.*'),
      })),
    ),
  );
  const alerts = Object.values(alertGroups).flatMap((group) =>
    Object.entries<Alert>(group).map(([name, { query }]) => ({
      asker: `alert ${name}`,
      // Where something has to be absent, it has to be there now.
      query: query.replace(/^absent\((.*)\)$/, '$1'),
    })),
  );
  return [...panels, ...alerts];
}

/** Those that Prometheus answers with nothing, or with nothing but NaN. A query that is wrong throws. */
export async function unanswered(
  prometheus: Prometheus,
  questions: readonly Question[],
): Promise<readonly Question[]> {
  const open: Question[] = [];
  for (const question of questions) {
    const samples = await prometheus.query(question.query, momentFor(question.query));
    if (!samples.some(isNumber)) open.push(question);
  }
  return open;
}

function isNumber({ value }: Sample): boolean {
  return Number.isFinite(value);
}

/** What looks back a minute is asked as of in a minute: the system need not have run for so long. */
function momentFor(query: string): Date {
  return new Date(Date.now() + (query.includes('offset 1m') ? 60_000 : 0));
}
