/**
 * `.` or `..` between two separators, as any server may read them: percent-encoded once, with `\`
 * or an encoded slash for `/`, or followed by `;` and parameters, which some cut off first.
 */
const dotSegment = /(?:^|[/\\]|%2f|%5c)(?:\.|%2e){1,2}(?:$|[/\\;]|%2f|%5c|%3b)/i;

/**
 * Whether a server that normalises paths (RFC 3986 §6.2.2.3) would take this one for another than it
 * seems to be.
 */
export function hasDotSegment(path: string): boolean {
  return dotSegment.test(path);
}
