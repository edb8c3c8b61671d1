/** Text that a regular expression takes as it is. */
export function quote(text: string): string {
  return text.replaceAll(/[\\^$.|?*+()[\]{}]/g, String.raw`\$&`);
}

/**
 * APISIX looks for an expression anywhere in a value; a MirrorRoute wants it to match the whole.
 * Whether RE2 can read it, which knows less than PCRE, is not asked here.
 */
export function matchingWhole(pattern: string, { ignoreCase = false } = {}): string {
  const flag = ignoreCase ? '(?i)' : '';
  // With alternatives, ^ and $ belong to one of them each.
  if (pattern.includes('|')) return `${flag}.*(?:${pattern}).*`;
  const [, start = '', within = '', end = ''] = /^(\^?)(.*?)((?<!\\)\$)?$/s.exec(pattern) ?? [];
  return `${flag}${start === '' ? '.*' : ''}${within}${end === '' ? '.*' : ''}`;
}

/** One of several texts, and nothing else. */
export function oneOf(texts: readonly string[]): string {
  return texts.map(quote).join('|');
}
