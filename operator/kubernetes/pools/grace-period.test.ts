import test from 'ava';
import { gracePeriodSeconds, templateNote } from './grace-period.ts';

test('pods may take as long as the longest drain of the pool, and five seconds before and after', (t) => {
  t.is(gracePeriodSeconds(30_000, 'd', undefined), 40);
  t.is(gracePeriodSeconds(3_600_000, 'd', undefined), 3610);
});

test('drains that differ a little ask for the same, so that pods are not replaced for it', (t) => {
  t.is(gracePeriodSeconds(0, 'd', undefined), 40);
  t.is(gracePeriodSeconds(31_000, 'd', undefined), gracePeriodSeconds(60_000, 'd', undefined));
});

test('a shorter drain waits until pods are replaced for another reason', (t) => {
  t.is(gracePeriodSeconds(30_000, 'same', templateNote('same', 310)), 310);
  t.is(gracePeriodSeconds(30_000, 'new', templateNote('same', 310)), 40);
  t.is(gracePeriodSeconds(600_000, 'same', templateNote('same', 310)), 610);
  t.is(gracePeriodSeconds(30_000, 'same', 'by-hand'), 40);
});
