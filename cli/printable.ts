/**
 * Text from files and the log, for a terminal: what could move the cursor, recolour the screen or
 * pass for a line of ours is shown escaped.
 */
export function printable(text: string): string {
  return printableLines(text).replaceAll('\n', '\\n');
}

/** The same for text that has lines of its own. */
export function printableLines(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) =>
    character === '\n' ? character : escaped(character),
  );
}

function escaped(character: string): string {
  return `\\u{${character.codePointAt(0)?.toString(16) ?? ''}}`;
}
