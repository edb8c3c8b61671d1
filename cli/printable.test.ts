import test from 'ava';
import { printable, printableLines } from './printable.ts';

test('text from files cannot take over the terminal or pass for another line', (t) => {
  t.is(printable('kind "\u001b[2J\nready"\r'), String.raw`kind "\u{1b}[2J\nready"\u{d}`);
  t.is(printable('left \u202e right\u2028'), String.raw`left \u{202e} right\u{2028}`);
  t.is(printableLines('one\ntwo\u0007'), `one\n${String.raw`two\u{7}`}`);
  t.is(printable('grüße 🦄'), 'grüße 🦄');
});
