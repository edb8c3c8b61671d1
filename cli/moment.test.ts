import test from 'ava';
import { parseMoment, parseSince, sequenceAt } from './moment.ts';

test('a moment is a sequence or a time', (t) => {
  t.deepEqual(parseMoment('120'), { is: 'sequence', sequence: 120 });
  t.deepEqual(parseMoment('2026-11-20T13:00:00+01:00'), {
    is: 'time',
    time: '2026-11-20T12:00:00.000Z',
  });
  for (const text of ['', 'yesterday', '-1', '12.5', '2026-13-45T00:00:00Z', '1e3']) {
    t.throws(() => parseMoment(text), { message: /sequence, or a time/ }, text);
  }
});

test('since when is a duration before now or a time', (t) => {
  const now = Date.parse('2026-11-20T12:00:00Z');

  t.is(parseSince('1h30m', now), '2026-11-20T10:30:00.000Z');
  t.is(parseSince('2026-11-20T11:00:00Z', now), '2026-11-20T11:00:00.000Z');
  for (const text of ['120', 'soon', '5 minutes']) {
    t.throws(() => parseSince(text, now), { message: /duration such as 30m/ }, text);
  }
});

test('a time means the last that was written by then; order is that of sequences', (t) => {
  const written = ['10:00', '10:02', '10:01'].map((time, index) => ({
    sequence: index + 1,
    time: `2026-11-20T${time}:00Z`,
  }));
  const at = (time: string) => sequenceAt(parseMoment(`2026-11-20T${time}:00Z`), written);

  t.is(at('09:59'), 0);
  t.is(at('10:00'), 1);
  t.is(at('10:01'), 3);
  t.is(sequenceAt({ is: 'sequence', sequence: 2 }, written), 2);
});
