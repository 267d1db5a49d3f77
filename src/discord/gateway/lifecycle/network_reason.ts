/**
 * What a network error says of where connecting failed, in words (G10).
 *
 * Both runtimes name the errors of the system and of TLS alike, by codes; a
 * reason that is in words already is left as it is.
 *
 * @module
 */

const MEANINGS: readonly (readonly [RegExp, string])[] = [
  [/^(?:ENOTFOUND|EAI_\w+|ENODATA|ESERVFAIL|DNS_\w+)$/, "the name could not be looked up"],
  [/^ECONNREFUSED$/, "TCP: nobody listens there"],
  [/^(?:EHOSTUNREACH|ENETUNREACH|ENETDOWN|EADDRNOTAVAIL)$/, "TCP: there is no way there"],
  [/^ETIMEDOUT$/, "TCP: no answer"],
  [/^(?:ECONNRESET|EPIPE|ECONNABORTED)$/, "TCP: the other end, or something between, reset it"],
  [
    /^[A-Z_]*(?:CERT|SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH)[A-Z_]*$|peer certificate/,
    "TLS: the certificate cannot be trusted",
  ],
  [/^(?:EPROTO|ERR_SSL_\w+|ERR_TLS_\w+)$/, "TLS: what answers does not speak it"],
  [/^HTTP \d{3}$|answer to (?:an|our) upgrade/, "the upgrade was refused"],
];

/** `undefined` where the reason says nothing of it, or is in words already. */
export function explainReason(reason: string): string | undefined {
  return MEANINGS.find(([pattern]) => pattern.test(reason))?.[1];
}
