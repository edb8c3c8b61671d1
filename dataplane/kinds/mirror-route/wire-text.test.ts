import test from 'ava';
import { fromWire, toWire } from './wire-text.ts';

test('what a configuration spells is compared as the bytes a client sends', (t) => {
  t.is(toWire('plain'), 'plain');
  t.is(toWire('grün'), 'gr\u00c3\u00bcn');
  t.is(toWire('😀'), Buffer.from('😀').toString('latin1'));
});

test('bytes of a client read as the text they spell', (t) => {
  t.is(fromWire('plain'), 'plain');
  t.is(fromWire(Buffer.from('grün 😀').toString('latin1')), 'grün 😀');
  t.is(fromWire('\u00ef\u00bb\u00bfann'), '\ufeffann');
  t.is(fromWire('gr\u00fcn'), 'gr\ufffdn'); // Latin-1, which is no UTF-8
});
