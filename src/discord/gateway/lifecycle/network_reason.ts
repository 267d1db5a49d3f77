/**
 * Explains network errors: at which step connecting failed, and why (G10).
 *
 * Both runtimes use the same codes for errors of the system and of TLS. Reasons that are sentences
 * need no explanation.
 *
 * @module
 */

const MEANINGS: readonly (readonly [RegExp, string])[] = [
  [/^(?:ENOTFOUND|EAI_\w+|ENODATA|ESERVFAIL|DNS_\w+)$/, "the name could not be looked up"],
  [/^ECONNREFUSED$/, "TCP: no server listens there"],
  [/^(?:EHOSTUNREACH|ENETUNREACH|ENETDOWN|EADDRNOTAVAIL)$/, "TCP: no route to the host"],
  [/^ETIMEDOUT$/, "TCP: no answer"],
  [
    /^(?:ECONNRESET|EPIPE|ECONNABORTED)$/,
    "TCP: the server, or a device on the way to it, reset the connection",
  ],
  [
    /^[A-Z_]*(?:CERT|SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH)[A-Z_]*$|peer certificate/,
    "TLS: the certificate cannot be trusted",
  ],
  [/^(?:EPROTO|ERR_SSL_\w+|ERR_TLS_\w+)$/, "TLS: the server does not use TLS"],
  [/^HTTP \d{3}$|answer to (?:an|our) upgrade/, "the upgrade was refused"],
];

/**
 * Explains a network error.
 *
 * @returns `undefined` if the reason is unknown, or needs no explanation.
 */
export function explainReason(reason: string): string | undefined {
  return MEANINGS.find(([pattern]) => pattern.test(reason))?.[1];
}
