/**
 * How far one gets on the way to a server: look-up, TCP, TLS, and what answers.
 *
 * Each stage is told apart, because each is mended by somebody else. These are
 * facts; what they mean is decided by whoever reads them.
 *
 * @module
 */

/** One step of the way, and the milliseconds that it took. */
export type Stage<Found> =
  | { readonly kind: "ok"; readonly ms: number; readonly found: Found }
  | {
    readonly kind: "failed";
    readonly ms: number;
    /** The system's name where it has one, else words: `"ENOTFOUND"`, `"no answer in time"`. */
    readonly code: string;
  }
  | {
    readonly kind: "skipped";
    /** A step before it failed; the proxy takes it; or there is no such step. */
    readonly why: "earlier" | "proxy" | "none";
  };

/** The way to one server, up to the last step that HTTP and WebSocket have in common. */
export interface Reach {
  /** Of the server itself: `"discord.com"`. */
  readonly host: string;
  readonly port: number;
  /** The proxy on the way, as `"proxy.lan:3128"`; look-up and TCP are then its own. */
  readonly proxy?: string;
  readonly dns: Stage<{ readonly addresses: readonly string[] }>;
  readonly tcp: Stage<{
    /** The first that answered. */
    readonly address: string;
    /** Each address that was tried, in the order of the look-up; without milliseconds: in vain. */
    readonly tried: readonly Tried[];
  }>;
  readonly tls: Stage<TlsFound>;
}

export interface Tried {
  readonly address: string;
  readonly ms?: number;
  readonly code?: string;
}

export interface TlsFound {
  /** `"TLSv1.3"`. */
  readonly protocol: string;
  /** Who vouches for the certificate: `"Google Trust Services"`. */
  readonly issuer: string;
  /** Unix time in milliseconds. */
  readonly validTo: number;
  /** Why it is not to be trusted: `"CERT_HAS_EXPIRED"`; absent where it is. */
  readonly refused?: string;
}

/** What came back from a plain request, not yet judged. */
export interface HttpFound {
  readonly status: number;
  /** Lower case; empty if absent. */
  readonly server: string;
  /** The body, where it is JSON. */
  readonly json?: object;
  /** Where a redirect points to. */
  readonly location?: string;
  /** Seconds that it asks to wait. */
  readonly retryAfterSec?: number;
  /** Milliseconds by which this machine's clock is ahead of the server's, to a second or so. */
  readonly skewMs?: number;
}
