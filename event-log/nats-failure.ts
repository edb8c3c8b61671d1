const untrusted =
  'its certificate was signed by nobody we trust: put the certificate of its CA into ca.crt';

const ourCertificate =
  'our client certificate, or wants one: renew tls.crt and tls.key, signed by a CA it trusts';

/** By the code of a TLS error, wherever in the chain of causes it is. */
const explanations: ReadonlyArray<readonly [code: RegExp, explanation: string]> = [
  [
    /^CERT_HAS_EXPIRED$/,
    'its certificate has expired: renew it, and let nats-server read it (--signal reload)',
  ],
  [/^CERT_NOT_YET_VALID$/, 'its certificate is not valid yet: compare the clocks'],
  [/^(SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT)$/, untrusted],
  [/^UNABLE_TO_(GET_ISSUER_CERT|GET_ISSUER_CERT_LOCALLY|VERIFY_LEAF_SIGNATURE)$/, untrusted],
  [/^CERT_SIGNATURE_FAILURE$/, untrusted],
  [
    /^ERR_TLS_CERT_ALTNAME_INVALID$/,
    'its certificate is for another name: use a name it has in the address, or add this one to it',
  ],
  [/^ERR_SSL_.*ALERT_.*CERTIFICATE|^ERR_SSL_.*ALERT_UNKNOWN_CA/, `it refuses ${ourCertificate}`],
  [
    /^ERR_(SSL|OSSL)_(PEM|X509)_|^ERR_OSSL_.*(NO_START_LINE|BAD_END_LINE|KEY_VALUES_MISMATCH)/,
    'our certificates cannot be read: ca.crt, tls.crt and tls.key have to be PEM, and the last two belong together',
  ],
];

/** What keeps us from NATS, with what to do about it. Holds no secret. */
export function explainNatsFailure(error: unknown, isEncrypted: boolean): string {
  const problem = error instanceof Error ? error.message : String(error);
  const codes = causesOf(error).map((cause) => ('code' in cause ? String(cause.code) : ''));
  for (const [pattern, explanation] of explanations) {
    if (codes.some((code) => pattern.test(code))) return explanation;
  }
  if (/authorization violation/i.test(problem)) {
    return 'it does not let us in (Authorization Violation): check nats.creds, or nats.user and nats.password';
  }
  if (/does not support 'tls'/.test(problem)) {
    return 'it speaks no TLS, and we were told to: turn it on there, or use nats:// and no ca.crt';
  }
  // With TLS 1.3 a refusal comes after our side of the handshake is done, and the client loses it.
  if (isEncrypted && problem === 'timeout') {
    return `it says nothing after the TLS handshake; most likely it refuses ${ourCertificate}`;
  }
  return problem;
}

function causesOf(error: unknown): readonly Error[] {
  return error instanceof Error ? [error, ...causesOf(error.cause)] : [];
}
