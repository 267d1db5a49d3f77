/**
 * Sends one request to the public internet, or to addresses that its caller permits (SEC-R23).
 *
 * The address is resolved and checked first, and the socket then connects to that address. So a
 * name server cannot give another one in between. `fetch` has no such step, and uses proxies of the
 * environment; `node:http` does not.
 */

import { Buffer } from "node:buffer";
import { type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { isIP } from "node:net";
import { codeOf } from "../lib/errors.ts";
import { hostOf, isHomeAddress, portOf } from "../lib/network/addresses.ts";

export interface GuardedRequest {
  /** All addresses of a name; rejects if it has none. */
  readonly resolve: (hostname: string) => Promise<
    readonly {
      /** `"93.184.216.34"`. */
      readonly address: string;
      /** 4 or 6. */
      readonly family: number;
    }[]
  >;
  readonly isAllowed: (address: string) => boolean;
  readonly allowedPorts: ReadonlySet<number>;
  readonly userAgent: string;
  /** Further headers; absent: none. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Absent: GET. Another one is sent to one address of the host alone: it may change something. */
  readonly method?: string;
  /** Absent: none. */
  readonly body?: string;
  /** Whether a status of failure is an answer, too. */
  readonly takesAnyStatus?: boolean;
  /** Maximum number of redirects to follow; absent: 3. */
  readonly maxRedirects?: number;
}

/** A request that was not sent, or got no response; the message is for the model. */
export class WebError extends Error {
  override readonly name = "WebError";
}

/** The key that permits an origin of the own network, or another port: to tools of skills only. */
function keyFor({ origin }: URL): string {
  return 'a tool of a skill reaches it, with "skills": { "hosts": ' +
    `{ ${JSON.stringify(origin)}: {} } } in the config`;
}

/** Maximum number of a name's addresses to try. */
const MAX_ADDRESSES = 4;

const CONNECT_MS = 5_000;

/**
 * Checks an address as the model wrote it.
 *
 * @throws {WebError} If it is none that may be fetched.
 */
export function checkedUrl(written: string, allowedPorts: ReadonlySet<number>): URL {
  const url = URL.canParse(written) ? new URL(written) : undefined;
  if (!url) throw new WebError("this is no web address; write it with https:// and the host");
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new WebError(`only http and https addresses can be fetched, not ${url.protocol}`);
  }
  if (url.username !== "" || url.password !== "") {
    throw new WebError("an address with a user name or password cannot be fetched");
  }
  if (!allowedPorts.has(portOf(url))) {
    throw new WebError(
      `only the ports 80 and 443 can be fetched, not ${portOf(url)}; ${keyFor(url)}`,
    );
  }
  return url;
}

/**
 * Sends the request.
 *
 * @param url From {@link checkedUrl}.
 * @returns The response with any status. The caller reads or destroys it.
 * @throws {WebError} If no address of the host may be reached, or none answers.
 */
export async function guardedGet(
  url: URL,
  asked: GuardedRequest,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const addresses = await addressesOf(url, asked);
  let failure: unknown;
  const most = asked.method === undefined ? MAX_ADDRESSES : 1;
  for (const address of addresses.slice(0, most)) {
    signal.throwIfAborted();
    try {
      return await requestTo(address, url, asked, signal);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      failure = error;
    }
  }
  throw new WebError(
    `${url.hostname} does not answer (${codeOf(failure) ?? "connection failed"})`,
    { cause: failure },
  );
}

/** One address that is not public refuses the host: its next answer could be that one alone. */
async function addressesOf(
  url: URL,
  { resolve, isAllowed }: GuardedRequest,
): Promise<readonly string[]> {
  const host = hostOf(url);
  const found = isIP(host) !== 0 ? [host] : (await resolve(host).catch((cause: unknown) => {
    throw new WebError(`the host ${host} does not exist or cannot be looked up`, { cause });
  })).toSorted((one, other) => one.family - other.family).map(({ address }) => address);
  if (found.length === 0) throw new WebError(`the host ${host} has no address`);
  const refused = found.filter((one) => !isAllowed(one));
  if (refused.length > 0) {
    throw new WebError(
      `${host} is not on the public internet; ` +
        (refused.every(isHomeAddress) ? keyFor(url) : "no key of the config permits this address"),
    );
  }
  return found;
}

function requestTo(
  address: string,
  url: URL,
  { userAgent, headers, method = "GET", body }: GuardedRequest,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const isSecure = url.protocol === "https:";
    const host = hostOf(url);
    const sent = (isSecure ? requestHttps : requestHttp)({
      host: address,
      port: portOf(url),
      path: `${url.pathname}${url.search}`,
      method,
      agent: false,
      // A certificate is for the name. TLS sends no name if the URL has only an address.
      ...(isSecure && { servername: isIP(host) === 0 ? host : "" }),
      headers: {
        host: url.host,
        "user-agent": userAgent,
        accept: "text/html,application/xhtml+xml,text/plain,application/json;q=0.9,*/*;q=0.5",
        "accept-encoding": "gzip, deflate, br",
        "accept-language": "en, *;q=0.5",
        connection: "close",
        ...(body !== undefined && { "content-length": Buffer.byteLength(body) }),
        ...headers,
      },
    });
    const late = setTimeout(
      () => sent.destroy(Object.assign(new Error("no connection"), { code: "ETIMEDOUT" })),
      CONNECT_MS,
    );
    const onAbort = () => sent.destroy();
    signal.addEventListener("abort", onAbort, { once: true });
    sent.on("socket", (socket) => {
      socket.once(isSecure ? "secureConnect" : "connect", () => clearTimeout(late));
    });
    sent.on("close", () => {
      clearTimeout(late);
      signal.removeEventListener("abort", onAbort);
      reject(new Error("closed"));
    });
    sent.on("error", (error) => {
      clearTimeout(late);
      reject(error);
    });
    sent.on("response", (response) => {
      clearTimeout(late);
      signal.addEventListener("abort", () => response.destroy(), { once: true });
      resolve(response);
    });
    sent.end(body);
  });
}
