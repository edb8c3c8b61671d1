import test from 'ava';
import { toLabel } from './rule-names.ts';

const labels: ReadonlyArray<readonly [text: string, label: string]> = [
  ['traffic-mirror-route', 'traffic-mirror-route'],
  ['Shop_Cart.v1', 'shop-cart-v1'],
  ['1', '1'],
  ['--', 'route'],
  ['größe', 'gr-e'],
  ['rule-1', 'apisix-rule-1'],
  [`${'x'.repeat(62)}-y`, 'x'.repeat(62)],
];

for (const [text, label] of labels) {
  test(`"${text}" as a name is ${label}`, (t) => {
    t.is(toLabel(text), label);
  });
}
