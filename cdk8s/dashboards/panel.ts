import type { Query } from './query.ts';

/** One graph or number, as far as we care; the rest of what Grafana wants is the same for all. */
export type Panel = {
  readonly title: string;
  /** What it shows and when to worry. */
  readonly description: string;
  /** Grafana's name of it: `s`, `bytes`, `reqps`, `short`, `percentunit`. */
  readonly unit: string;
  readonly queries: readonly PanelQuery[];
  readonly shape?: 'graph' | 'stacked' | 'number';
  /** Of 24. */
  readonly width?: number;
  /** A number turns red from here on, or below it. */
  readonly alarm?: { readonly atLeast: number } | { readonly below: number };
};

export type PanelQuery = { readonly query: Query; readonly legend: string };

export type Row = { readonly title: string; readonly panels: readonly Panel[] };

export const datasource = { type: 'prometheus', uid: '$datasource' } as const;

const columns = 24;
const graphHeight = 8;
const numberHeight = 4;

/** Rows of panels, one below the other, each filled from left to right. */
export function layOut(rows: readonly Row[]): readonly unknown[] {
  const laidOut: unknown[] = [];
  let y = 0;
  for (const { title, panels } of rows) {
    const id = laidOut.length + 1;
    laidOut.push({
      id,
      type: 'row',
      title,
      collapsed: false,
      panels: [],
      gridPos: at(0, y, 24, 1),
    });
    y += 1;
    let x = 0;
    let rowHeight = 0;
    for (const panel of panels) {
      const { width, height } = sizeOf(panel);
      if (x + width > columns) {
        x = 0;
        y += rowHeight;
        rowHeight = 0;
      }
      laidOut.push(toGrafana(panel, laidOut.length + 1, at(x, y, width, height)));
      x += width;
      rowHeight = Math.max(rowHeight, height);
    }
    y += rowHeight;
  }
  return laidOut;
}

function sizeOf({ shape, width }: Panel): { width: number; height: number } {
  const isNumber = shape === 'number';
  return { width: width ?? (isNumber ? 4 : 8), height: isNumber ? numberHeight : graphHeight };
}

function at(x: number, y: number, w: number, h: number) {
  return { x, y, w, h };
}

function toGrafana(panel: Panel, id: number, gridPos: unknown) {
  const { title, description, queries, shape = 'graph' } = panel;
  const targets = queries.map(({ query, legend }, index) => ({
    refId: String.fromCharCode('A'.charCodeAt(0) + index),
    datasource,
    expr: query,
    legendFormat: legend,
    instant: shape === 'number',
    range: shape !== 'number',
  }));
  const common = { id, title, description, datasource, gridPos, targets };
  return shape === 'number'
    ? { ...common, type: 'stat', ...numberLook(panel) }
    : { ...common, type: 'timeseries', ...graphLook(panel) };
}

function numberLook({ unit, alarm }: Panel) {
  return {
    fieldConfig: {
      defaults: { unit, color: { mode: 'thresholds' }, thresholds: thresholds(alarm) },
      overrides: [],
    },
    options: {
      colorMode: 'background_solid',
      graphMode: 'none',
      textMode: 'auto',
      reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
    },
  };
}

function thresholds(alarm: Panel['alarm']) {
  const green = { color: 'green', value: null };
  if (alarm === undefined) return { mode: 'absolute', steps: [{ color: 'blue', value: null }] };
  const steps =
    'atLeast' in alarm
      ? [green, { color: 'red', value: alarm.atLeast }]
      : [
          { color: 'red', value: null },
          { color: 'green', value: alarm.below },
        ];
  return { mode: 'absolute', steps };
}

function graphLook({ unit, shape }: Panel) {
  const isStacked = shape === 'stacked';
  return {
    fieldConfig: {
      defaults: {
        unit,
        min: 0,
        color: { mode: 'palette-classic' },
        custom: {
          drawStyle: 'line',
          lineWidth: 1,
          fillOpacity: isStacked ? 30 : 5,
          showPoints: 'never',
          spanNulls: false,
          stacking: { mode: isStacked ? 'normal' : 'none', group: 'A' },
        },
      },
      overrides: [],
    },
    options: {
      legend: { displayMode: 'list', placement: 'bottom', showLegend: true, calcs: [] },
      tooltip: { mode: 'multi', sort: 'desc' },
    },
  };
}
