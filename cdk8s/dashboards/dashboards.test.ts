import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { type Alert, alertGroups, buildRules } from './alerts.ts';
import { buildDashboard, dashboardRows } from './dashboard.ts';

const alerts: ReadonlyArray<readonly [string, Alert]> = Object.values(alertGroups).flatMap(
  (group) => Object.entries<Alert>(group),
);

test('every alert has a section that says what it means and what to do, and no other has', async (t) => {
  const page = await readFile(join(import.meta.dirname, '../../docs/monitoring.md'), 'utf8');
  const sections = page.split(/^### /m).slice(1);
  const explained = sections.map((section) => section.split('\n', 1)[0] ?? '');

  t.deepEqual(explained.toSorted(), alerts.map(([name]) => name).toSorted());
  for (const section of sections) t.regex(section, /^\*\*Means\.\*\* .+\n\*\*Do\.\*\* /m);
});

test('every alert says how grave it is, in a sentence, and where to read more', (t) => {
  for (const { rules } of buildRules('https://example.com/runbooks').groups) {
    for (const { alert, labels, annotations } of rules) {
      t.regex(labels.severity, /^(critical|warning|info)$/);
      t.regex(annotations.summary, /\.$/);
      t.regex(annotations.description, /\.$/);
      const link = `https://example.com/runbooks#${alert.toLowerCase()}`;
      t.is(annotations.runbook_url, link);
    }
  }
});

test('every panel says what it shows', (t) => {
  for (const { panels } of dashboardRows) {
    for (const { title, description, queries } of panels) {
      t.regex(description, /\.$/, title);
      t.true(queries.length > 0, title);
    }
  }
});

test('no panel lies on another, none leaves the page, each has a number of its own', (t) => {
  const { panels } = buildDashboard() as { panels: readonly Placed[] };
  const taken = new Set<string>();

  for (const { title, gridPos } of panels) {
    t.true(gridPos.x + gridPos.w <= 24, title);
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
        t.false(taken.has(`${x}/${y}`), title);
        taken.add(`${x}/${y}`);
      }
    }
  }
  t.is(new Set(panels.map(({ id }) => id)).size, panels.length);
});

type Placed = {
  readonly id: number;
  readonly title: string;
  readonly gridPos: {
    readonly x: number;
    readonly y: number;
    readonly w: number;
    readonly h: number;
  };
};
