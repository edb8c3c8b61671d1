/** What a `.creds` file says of its user; unchecked. `null`: it is none. */
export function claimsIn(creds: string): unknown {
  const [, claims = ''] = userJwtIn(creds)?.split('.') ?? [];
  try {
    return JSON.parse(Buffer.from(claims, 'base64url').toString());
  } catch {
    return null;
  }
}

/** The JWT in a `.creds` file that has both, it and the seed. */
export function userJwtIn(creds: string): string | null {
  const [, jwt = null] =
    /BEGIN NATS USER JWT-+\s+(\S+)\s+-+END[\s\S]*BEGIN USER NKEY SEED/.exec(creds) ?? [];
  return jwt;
}
