/**
 * The stages on the way to a server: look-up, TCP, TLS, and the server's answer.
 *
 * Each stage has its own result, because a different person can mend each. These are facts;
 * `flows/preflight/` judges them.
 */

/** One stage on the way, with its duration in milliseconds. */
export type Stage<Found> =
  | { readonly kind: "ok"; readonly ms: number; readonly found: Found }
  | {
    readonly kind: "failed";
    readonly ms: number;
    /** The system's error code, or words if there is none: `"ENOTFOUND"`, `"no answer in time"`. */
    readonly code: string;
  }
  | {
    readonly kind: "skipped";
    /**
     * `earlier`: an earlier stage failed. `proxy`: the proxy does it. `none`: there is no such
     * stage.
     */
    readonly why: "earlier" | "proxy" | "none";
  };

/** The way to one server, up to the last stage that HTTP and WebSocket share. */
export interface Reachability {
  /** Host name of the server itself, even if there is a proxy: `"discord.com"`. */
  readonly host: string;
  readonly port: number;
  /**
   * The proxy on the way, as `"proxy.lan:3128"`; look-up and TCP are then the proxy's own. Absent
   * for a direct connection.
   */
  readonly proxy?: string;
  /** The look-up, with the IP addresses that it found. */
  readonly dns: Stage<{ readonly addresses: readonly string[] }>;
  readonly tcp: Stage<{
    /** The first IP address that answered. */
    readonly address: string;
    /** Each address that Barnacle tried, in the order of the look-up. */
    readonly tried: readonly Tried[];
  }>;
  readonly tls: Stage<TlsFound>;
}

export interface Tried {
  /** IP address, version 4 or 6. */
  readonly address: string;
  /** Milliseconds until the connection was open; absent if it failed. */
  readonly ms?: number;
  /** The system's error code of a failed attempt: `"ECONNREFUSED"`. */
  readonly code?: string;
}

/** The server's certificate and the protocol version of the handshake. */
export interface TlsFound {
  /** Protocol version: `"TLSv1.3"`. */
  readonly protocol: string;
  /** Organisation that issued the certificate: `"Google Trust Services"`. */
  readonly issuer: string;
  /** End of the certificate's validity, Unix time in milliseconds. */
  readonly validTo: number;
  /** Why this machine does not trust the certificate: `"CERT_HAS_EXPIRED"`; absent if it does. */
  readonly refused?: string;
}

/** The answer to a plain request, not yet judged. */
export interface HttpFound {
  /** HTTP status code. */
  readonly status: number;
  /** The `server` header in lower case; empty if absent. */
  readonly server: string;
  /** The body; absent if it is no JSON object or array. */
  readonly json?: object;
  /** Target of a redirect; absent without a `location` header. */
  readonly location?: string;
  /** Seconds that the server asks to wait; absent without a `retry-after` header. */
  readonly retryAfterSec?: number;
  /** Milliseconds by which this machine's clock is ahead of the server's, to a second or so. */
  readonly skewMs?: number;
}
