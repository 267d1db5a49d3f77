/**
 * Sends the requests of a sign-in with OAuth: metadata, registration and tokens (T13).
 *
 * The server of the config may be anywhere, because the operator wrote its address. It names other
 * servers, and those must be on the public internet and use https: the address is checked when the
 * socket connects (SEC-R23). All answers are bounded in size and time.
 */

import { fetchPlain, readBody } from "../../lib/network/fetch_plain.ts";
import { lookup as lookupAll } from "node:dns/promises";
import { request } from "node:https";
import { isIP } from "node:net";
import { Readable } from "node:stream";
import { hostOf, isLoopbackHost, isPublicAddress, portOf } from "../../lib/network/addresses.ts";
import { isRecord, parseForeignJson } from "../../lib/text/quoted.ts";

type Resolve = (host: string) => Promise<readonly { readonly address: string }[]>;

const MAX_BYTES = 256 * 1_024;
const TIMEOUT_MS = 15_000;

/** Path of an authorization server's metadata; the path of its address follows, if it has one. */
const METADATA = "/.well-known/oauth-authorization-server";

/** A request or an answer that Barnacle refuses; the message is for the operator. */
class OAuthRequestError extends Error {
  override readonly name = "OAuthRequestError";
}

/**
 * Creates a `fetch` for the sign-in.
 *
 * @param serverUrl Address of the MCP server.
 */
export function createOAuthFetch(
  serverUrl: string,
  resolve: Resolve = (host) => lookupAll(host, { all: true }),
): typeof fetch {
  const own = new URL(serverUrl);
  /** Whether the server has named an address with a path, and the last request found nothing there. */
  let isAfterTenant = false;
  return async (input, init = {}) => {
    const url = new URL(input instanceof Request ? input.url : input);
    // The library asks the host before the tenant's other addresses, and the host is another issuer.
    if (isAfterTenant && url.pathname === METADATA) return new Response(null, { status: 404 });
    const isTrusted = url.origin === own.origin ||
      isLoopbackHost(url.hostname) && isLoopbackHost(own.hostname);
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const response = isTrusted
      ? await bounded(await fetchPlain(fetch, url, { ...init, redirect: "manual", signal }), signal)
      : await guarded(url, init, resolve, signal);
    if (init.redirect !== "manual" && response.status >= 300 && response.status < 400) {
      throw new OAuthRequestError(`${url.origin} redirects a request with secrets`);
    }
    const named = url.pathname.startsWith(`${METADATA}/`) && url.pathname.slice(METADATA.length);
    isAfterTenant = !response.ok && named !== false &&
      (url.origin !== own.origin || named !== own.pathname.replace(/\/$/, ""));
    return response;
  };
}

async function bounded(
  { status, headers, body }: Pick<Response, "status" | "body"> & { readonly headers: HeadersInit },
  signal: AbortSignal,
): Promise<Response> {
  const bytes = await readBody(body, { maxBytes: MAX_BYTES, tooLarge, signal });
  const hasBody = ![101, 103, 204, 205, 304].includes(status);
  return new Response(hasBody ? readAnswer(bytes) : null, { status, headers });
}

/** An answer in the form that the library takes: `null` is an absent field. */
function readAnswer(bytes: Uint8Array<ArrayBuffer>): string | Uint8Array<ArrayBuffer> {
  const answer = parseForeignJson(new TextDecoder().decode(bytes));
  if (!isRecord(answer)) return bytes;
  const fields = Object.fromEntries(Object.entries(answer).filter(([, value]) => value !== null));
  if (typeof fields["access_token"] !== "string") return JSON.stringify(fields);
  const { token_type = "Bearer", expires_in, scope } = fields;
  const sec = Number.parseFloat(String(expires_in)); // some servers write a text
  return JSON.stringify({
    ...fields,
    token_type,
    expires_in: Number.isFinite(sec) ? sec : undefined,
    scope: typeof scope === "string" ? scope : undefined,
  });
}

function tooLarge(): Error {
  return new OAuthRequestError(`an answer of the sign-in has more than ${MAX_BYTES / 1_024} KiB`);
}

/** Sends a request to a public address; a name server cannot give another one in between. */
async function guarded(
  url: URL,
  { method = "GET", headers, body }: RequestInit,
  resolve: Resolve,
  signal: AbortSignal,
): Promise<Response> {
  if (url.protocol !== "https:") {
    throw new OAuthRequestError(`${url.origin} is used for the sign-in, but it has no https`);
  }
  const host = hostOf(url);
  const found = isIP(host) === 0 ? await resolve(host) : [{ address: host }];
  const [first] = found;
  if (!first || !found.every(({ address }) => isPublicAddress(address))) {
    throw new OAuthRequestError(
      `${url.origin} is used for the sign-in, but it is not on the public internet; no key permits that, and ` +
        "mcp.servers.<id>.headers.authorization takes a token without a sign-in",
    );
  }
  const { promise, resolve: answer, reject } = Promise.withResolvers<Response>();
  const sent = request({
    host: first.address,
    port: portOf(url),
    path: `${url.pathname}${url.search}`,
    method,
    agent: false,
    servername: isIP(host) === 0 ? host : "",
    headers: {
      ...Object.fromEntries(new Headers(headers)),
      host: url.host,
      "accept-encoding": "identity",
      connection: "close",
    },
    signal,
  }, (response) => {
    const { statusCode: status = 500 } = response;
    const headers = Object.entries(response.headers).flatMap(([name, value]): [string, string][] =>
      value === undefined ? [] : [[name, String(value)]]
    );
    const body = Readable.toWeb(response) as Response["body"];
    bounded({ status, headers, body }, signal).then(answer, reject);
  });
  sent.on("error", reject);
  sent.end(body === undefined || body === null ? undefined : String(body));
  return await promise;
}
