/**
 * Reads the address of Discord's API from `DISCORD_API_URL`.
 *
 * The address may be that of the simulator or a proxy. Each request carries the bot token. So plain
 * HTTP is allowed on loopback only, and an unclear value is an error, never a guess.
 *
 * @module
 */

import { isLoopbackHost } from "../../../lib/network/addresses.ts";

/** Discord's own API; the version is added to each request. */
export const DISCORD_API_BASE = "https://discord.com/api";

/** The base URL of all requests, without version and trailing slash, or the problem of the text. */
export type ApiUrl = { readonly base: string } | { readonly problem: string };

const EXPECTED = "expected http(s)://host[:port], with or without /api or /api/v10";

/** The paths that may follow the host. */
const PATHS: readonly string[] = ["", "/", "/api", "/api/", "/api/v10", "/api/v10/"];

/**
 * Reads the value of `DISCORD_API_URL` (G14).
 *
 * @param text For example `"http://127.0.0.1:8080"`.
 * @returns For example `{ base: "http://127.0.0.1:8080/api" }`. A problem is a sentence for the
 * operator, and never contains a password.
 */
export function parseApiUrl(text: string): ApiUrl {
  const url = URL.parse(text.trim());
  if (!url) return { problem: `DISCORD_API_URL is not a URL: ${EXPECTED}` };
  if (url.username || url.password) {
    return { problem: `DISCORD_API_URL must not hold a user name or password: ${EXPECTED}` };
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    return { problem: `DISCORD_API_URL begins with ${url.protocol}//: ${EXPECTED}` };
  }
  if (url.search || url.hash || !PATHS.includes(url.pathname)) {
    return { problem: `DISCORD_API_URL has more than a host, "${url.pathname}": ${EXPECTED}` };
  }
  if (url.protocol === "http:" && !isLoopbackHost(url.hostname)) {
    return {
      problem:
        `DISCORD_API_URL is plain http to ${url.hostname}, which would expose the bot token ` +
        "to the network: use https, or a loopback address such as 127.0.0.1",
    };
  }
  return { base: `${url.origin}/api` };
}
