/**
 * Decides who may ask this HTTP server, and who may see details.
 *
 * A web page in a browser on this machine can reach loopback too, under a host name of its own that
 * points here (DNS rebinding). So the requested host name counts. And a proxy on this machine
 * forwards requests from other machines. So loopback counts only without forwarding headers.
 */

import { Buffer } from "node:buffer";
import { createHash, timingSafeEqual } from "node:crypto";
import { isLoopback } from "../lib/network/addresses.ts";

/** The client of a request. */
export interface Peer {
  /** Address from the socket, such as `"127.0.0.1"`; absent once it is closed. */
  readonly remoteAddress?: string;
}

/** Host names that always mean this machine. */
const LOCAL_NAMES = ["localhost", "127.0.0.1", "[::1]"];

/** Headers that proxies add to forwarded requests. */
const PROXY_HEADERS = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"];

/**
 * Rejects a request before any handler sees it.
 *
 * @param hosts Host names beside this machine's own, without a port: `"barnacle.home.arpa"`.
 * @returns The reason in words; `undefined` if the request is allowed.
 */
export function refusalOf(request: Request, hosts: readonly string[] = []): string | undefined {
  const names = [...LOCAL_NAMES, ...hosts.map((host) => host.toLowerCase())];
  const host = request.headers.get("host");
  if (host === null || !names.includes(nameOf(host) ?? "")) {
    return "This host name is not in http.hosts";
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

/**
 * Creates the check whether a client may see details: it has the token, or, without one, it is on
 * this host. Other users of this host have no token either.
 */
export function createDetailGate(
  token: string | undefined,
): (request: Request, peer: Peer) => boolean {
  return ({ headers }, { remoteAddress }) => {
    if (token === undefined) {
      return remoteAddress !== undefined && isLoopback(remoteAddress) &&
        !PROXY_HEADERS.some((name) => headers.has(name));
    }
    const given = /^Bearer (\S+)$/i.exec(headers.get("authorization") ?? "")?.[1];
    return given !== undefined && isSame(given, token);
  };
}

/** Compares two texts in constant time, by their digests, so that not even the length leaks. */
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
