/** What a pattern of our CRDs wants, in words. A test keeps this complete. */
const meanings: Readonly<Record<string, string>> = {
  '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$': 'a name of lower-case letters, digits and "-", such as team-a',
  '^[a-z]([-a-z0-9]*[a-z0-9])?$':
    'a name of lower-case letters, digits and "-" that begins with a letter, such as shop',
  '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$':
    'a name of lower-case letters, digits, "-" and ".", such as egress-users',
  '^[0-9a-fA-F:.]+$': 'an IP address such as 127.0.0.1 or ::',
  '^[0-9a-fA-F:.]+/[0-9]{1,3}$': 'a network such as 10.0.0.0/8 or fd00::/8',
  '^[ !#-\\[\\]-~]+$': 'printable ASCII without quotes and backslashes',
  '^[0-9]{1,5}(-[0-9]{1,5})?$': 'a port or a range such as "8000-8999"',
  '^(\\*\\.)?[^*\\s/:@?#%\\\\\\[\\]]+$':
    'a host such as api.example.com or *.example.com; leave the list out for any host',
  '^([0-9]{1,5}(h|m|s|ms)){1,4}$': 'a duration such as 500ms, 30s or 1h30m',
  '^[0-9]+(\\.[0-9]+)?(k|M|Ki|Mi)?$': 'a size such as 8192 or 16Ki',
  "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$": 'the name of a header field, such as X-Request-Id',
  '^[!-~]([ -~\\t]*[!-~])?$': 'visible ASCII that begins and ends with no blank',
  '^[!-+\\--~]+$': 'visible ASCII without blanks and commas',
  "^/([-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})*$":
    'a path such as /v2: it begins with "/" and has no "?" and "#"; what may not stand in a URL is percent-encoded',
  '^https?://([^\\s/:@?#%\\\\\\[\\]*]+|\\[[0-9a-fA-F:.]+\\])(:[1-9][0-9]{0,4})?$':
    'http://host or http://host:port, or https://, without path, query and user',
  '^[^*\\s/:@?#%\\\\\\[\\]]+$': 'a host such as shop.example.com, without port',
  '^[^*\\s/@?#%\\\\]+$':
    'a host such as shop.example.com or shop.example.com:8080, or a suffix such as -shadow',
  '^(/([^~/]|~[01])*)+$':
    'a JSON Pointer such as /meta/time: every name has a "/" before it, and in names "~" is written ~0 and "/" ~1',
  '^[A-Za-z0-9._-]+$': 'letters, digits, ".", "_" and "-"',
};

/** `a duration such as 30s`, or the pattern itself if nobody described it. */
export function explainPattern(pattern: string): string {
  return meanings[pattern] ?? `text that matches ${pattern}`;
}

export function isExplained(pattern: string): boolean {
  return Object.hasOwn(meanings, pattern);
}
