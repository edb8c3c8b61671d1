/**
 * Text of a configuration as it stands in a message: its UTF-8 bytes, one character each, the way
 * Node hands over and takes request targets and field values.
 */
export function toWire(text: string): string {
  if (isAscii(text)) return text;
  let wire = '';
  for (const byte of new TextEncoder().encode(text)) wire += String.fromCharCode(byte);
  return wire;
}

/** A byte order mark is text like any other here: who leaves it out compares another value. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** The way back; what is no UTF-8 becomes U+FFFD. */
export function fromWire(wire: string): string {
  if (isAscii(wire)) return wire;
  return decoder.decode(Uint8Array.from(wire, (byte) => byte.charCodeAt(0)));
}

function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 0x7f) return false;
  return true;
}
