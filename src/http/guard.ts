/**
 * Decides who may ask this HTTP server, and who may see details.
 *
 * A web page in a browser on this machine can reach loopback too, under a host name of its own that
 * points here (DNS rebinding). So the requested host name counts.
 */

import { Buffer } from "node:buffer";
import { createHash, timingSafeEqual } from "node:crypto";
import { hasNameOf, LOCAL_NAMES } from "../lib/network/addresses.ts";

/** The bounds of a route (SEC-R31, SEC-R35). */
export interface RouteRule {
  /** `GET` allows `HEAD`, too. */
  readonly method: "GET" | "POST";
  /** Path, with `:name` for one segment. */
  readonly path: string;
  /**
   * What a client needs beside an allowed host name.
   *
   * - `details`: `http.token`, or the key of Barnacle's own commands.
   * - `session`: the token of a session of the dashboard.
   * - `hook`: the secret of the named hook, or a signature made with it.
   * - `key`: the key of a demo's page that other machines can reach, in the address.
   * - `state`: the random `state` of a sign-in that waits, in the address.
   */
  readonly auth: "none" | "details" | "session" | "hook" | "key" | "state";
  /** Maximum bytes of a body; 0: the route reads none. */
  readonly maxBodyBytes: number;
}

/** The routes that exist without the dashboard. All of them are read-only. */
export const HEALTH_ROUTES = [
  { method: "GET", path: "/livez", auth: "none", maxBodyBytes: 0 },
  { method: "GET", path: "/readyz", auth: "none", maxBodyBytes: 0 },
  { method: "GET", path: "/healthz", auth: "none", maxBodyBytes: 0 },
  { method: "GET", path: "/metrics", auth: "details", maxBodyBytes: 0 },
  { method: "GET", path: "/status", auth: "details", maxBodyBytes: 0 },
] as const satisfies readonly RouteRule[];

/**
 * Rejects a request before any handler sees it.
 *
 * @param hosts Host names beside this machine's own, without a port: `"barnacle.home.arpa"`.
 * @returns The reason in words; `undefined` if the request is allowed.
 */
export function refusalOf(request: Request, hosts: readonly string[] = []): string | undefined {
  const names = [...LOCAL_NAMES, ...hosts.map((host) => host.toLowerCase())];
  if (!hasNameOf(request, names)) {
    return "This host name is not that of http.publicUrl";
  }
  const origin = request.headers.get("origin");
  if (origin !== null && !isOneOf(origin, names)) {
    return "Pages of other sites may not send requests here";
  }
  if (request.headers.get("sec-fetch-site") === "cross-site") {
    return "Pages of other sites may not send requests here";
  }
  return undefined;
}

/** The host name of `http.publicUrl`, for {@link refusalOf}. */
export const publicNames = (url?: string): readonly string[] =>
  url === undefined ? [] : [new URL(url).hostname];

/**
 * Rejects a request that may change something, unless it comes from a page of this server. Pages of
 * another program on this machine have the same site, but not the same origin. A form of a page can
 * neither send this content type nor ask for it.
 *
 * @param publicUrl `http.publicUrl`: a proxy may send another `Host` than the browser.
 * @returns The reason in words; `undefined` if the request is allowed.
 */
export function refusalOfChange({ headers }: Request, publicUrl?: string): string | undefined {
  const origin = headers.get("origin");
  const site = headers.get("sec-fetch-site");
  const host = headers.get("host");
  const own = [publicUrl, `http://${host}`, `https://${host}`];
  const isForeign = origin !== null &&
    !own.map((url = "") => URL.parse(url)?.origin).includes(URL.parse(origin)?.origin ?? "");
  if (isForeign || site !== null && site !== "same-origin") {
    return "Only this server's own page may send this request";
  }
  return headers.get("content-type") === "application/json"
    ? undefined
    : "Only JSON is accepted here";
}

/**
 * The headers of an answer to a browser: it loads nothing of other sites, runs and styles nothing
 * inline, and is in no frame of another page.
 *
 * @param trustedTypes The one policy by which a script may turn text into elements, or `'none'`.
 */
export function browserHeaders(trustedTypes: string): Readonly<Record<string, string>> {
  return {
    "Cache-Control": "no-store",
    "Content-Security-Policy": [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "img-src 'self'",
      "media-src 'self'",
      "connect-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'", // the browser itself refuses text as markup
      `trusted-types ${trustedTypes}`,
    ].join("; "),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
  };
}

/** The token of a request: `"Bearer …"`; `undefined` without one. */
export function bearerOf({ headers }: Pick<Request, "headers">): string | undefined {
  return /^Bearer (\S+)$/i.exec(headers.get("authorization") ?? "")?.[1];
}

/**
 * Creates the check whether a client may see details: it has one of the tokens. Being on this host is
 * not enough, because programs of MCP servers are there, too, and other users.
 */
export function createDetailGate(tokens: readonly string[]): (request: Request) => boolean {
  return (request) => {
    const given = bearerOf(request);
    return given !== undefined && tokens.some((token) => isSame(given, token));
  };
}

/** Compares two texts in constant time, by their digests, so that not even the length leaks. */
export function isSame(given: string, token: string): boolean {
  return timingSafeEqual(digest(given), digest(token));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function isOneOf(origin: string, names: readonly string[]): boolean {
  return URL.canParse(origin) && names.includes(new URL(origin).hostname);
}
