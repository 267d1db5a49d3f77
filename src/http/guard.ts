/**
 * Who may ask this HTTP server anything, and who may see more than a status.
 *
 * A page in a browser on this machine reaches loopback too, by a name of its own
 * that it points here (DNS rebinding): so the name that is asked for counts. And
 * a proxy on this machine asks for strangers: so loopback counts only where
 * nobody is said to stand behind it.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createHash, timingSafeEqual } from "node:crypto";
import { isLoopback } from "../lib/network/loopback.ts";
import type { Peer } from "./health.ts";

/** Names by which this machine is always asked. */
const LOCAL_NAMES = ["localhost", "127.0.0.1", "[::1]"];

/** What proxies add to a request that they pass on. */
const PROXY_HEADERS = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"];

/**
 * Whether a request is turned away before anything looks at it.
 *
 * @param hosts Names beside this machine's own, without a port: `"barnacle.home.arpa"`.
 * @returns Why, in words; `undefined` if it is not.
 */
export function refusalOf(request: Request, hosts: readonly string[] = []): string | undefined {
  const names = [...LOCAL_NAMES, ...hosts.map((host) => host.toLowerCase())];
  const host = request.headers.get("host");
  if (host === null || !names.includes(nameOf(host) ?? "")) {
    return "This name is not one of http.hosts";
  }
  const origin = request.headers.get("origin");
  if (origin !== null && !isOneOf(origin, names)) return "Another site's page may not ask here";
  if (request.headers.get("sec-fetch-site") === "cross-site") {
    return "Another site's page may not ask here";
  }
  return undefined;
}

/**
 * Makes the question whether somebody may see detail: on this host, or by the token.
 *
 * @param token `http.token`; without one only this host may.
 */
export function createDetailGate(
  token: string | undefined,
): (request: Request, peer: Peer) => boolean {
  return ({ headers }, { remoteAddress }) => {
    const isLocal = remoteAddress !== undefined && isLoopback(remoteAddress) &&
      !PROXY_HEADERS.some((name) => headers.has(name));
    if (isLocal) return true;
    const given = /^Bearer (\S+)$/i.exec(headers.get("authorization") ?? "")?.[1];
    return token !== undefined && given !== undefined && isSame(given, token);
  };
}

/** In the same time wherever they differ; of digests, so that their length tells nothing. */
function isSame(given: string, token: string): boolean {
  return timingSafeEqual(digest(given), digest(token));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

/** The name in a Host header, without its port. */
function nameOf(host: string): string | undefined {
  return /^(\[[0-9a-f:.]+\]|[^:@/\s]+)(?::\d{1,5})?$/i.exec(host)?.[1]?.toLowerCase();
}

function isOneOf(origin: string, names: readonly string[]): boolean {
  return URL.canParse(origin) && names.includes(new URL(origin).hostname);
}
