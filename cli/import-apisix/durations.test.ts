import test from 'ava';
import { formatDuration, parseTime } from './durations.ts';

const times: ReadonlyArray<readonly [text: string, ms: number | null]> = [
  ['2000ms', 2000],
  ['60s', 60_000],
  ['1m30s', 90_000],
  ['1m 30s', 90_000],
  ['1d', 86_400_000],
  ['6', 6000],
  ['0.5', 500],
  ['1.5s', 1500],
  ['', null],
  ['s', null],
  ['5 minutes', null],
  ['-1s', null],
];

for (const [text, ms] of times) {
  test(`"${text}" is ${ms === null ? 'no time' : `${ms} ms`}`, (t) => {
    t.is(parseTime(text), ms);
  });
}

const durations: ReadonlyArray<readonly [ms: number, text: string]> = [
  [2000, '2s'],
  [90_500, '1m30s500ms'],
  [120_000, '2m'],
  [86_400_000, '24h'],
  [0, '0s'],
];

for (const [ms, text] of durations) {
  test(`${ms} ms are written ${text}`, (t) => {
    t.is(formatDuration(ms), text);
  });
}
