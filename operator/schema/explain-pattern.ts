/** What a pattern of our CRDs wants, in words. A test keeps this complete. */
const meanings: Readonly<Record<string, string>> = {
  '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$': 'a name of lower-case letters, digits and "-", such as team-a',
  '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$':
    'a name of lower-case letters, digits, "-" and ".", such as egress-users',
  '^[0-9a-fA-F:.]+$': 'an IP address such as 127.0.0.1 or ::',
  '^[0-9a-fA-F:.]+/[0-9]{1,3}$': 'a network such as 10.0.0.0/8 or fd00::/8',
  '^[ !#-\\[\\]-~]+$': 'printable ASCII without quotes and backslashes',
  '^[0-9]{1,5}(-[0-9]{1,5})?$': 'a port or a range such as "8000-8999"',
  '^(\\*\\.)?[^*\\s/:@?#%\\\\\\[\\]]+$':
    'a host such as api.example.com or *.example.com; leave hosts out for any, list addresses under cidrs',
  '^([0-9]{1,5}(h|m|s|ms)){1,4}$': 'a duration such as 500ms, 30s or 1h30m',
  '^[0-9]+(\\.[0-9]+)?(k|M|Ki|Mi)?$': 'a size such as 8192 or 16Ki',
  '^[A-Za-z0-9._-]+$': 'letters, digits, ".", "_" and "-"',
};

/** `a duration such as 30s`, or the pattern itself if nobody described it. */
export function explainPattern(pattern: string): string {
  return meanings[pattern] ?? `text that matches ${pattern}`;
}

export function isExplained(pattern: string): boolean {
  return Object.hasOwn(meanings, pattern);
}
