/**
 * Reaches servers of the Model Context Protocol over HTTP, and says in words if they want a sign-in.
 */

import { fetchPlain } from "../lib/network/fetch_plain.ts";
import process from "node:process";
import type { OAuthClientProvider } from "@ai-sdk/mcp";
import { type StartTimer, waitFor } from "../lib/clock.ts";
import { abortableResponse } from "../lib/network/read_body.ts";
import { isRecord } from "../lib/text/json.ts";
import { isEventStream, withAnswer } from "./answer_body.ts";
import { type Challenge, readChallenge } from "./oauth/challenge.ts";
import { hasOwnToken, type McpHttpServer } from "./oauth/logins.ts";
import { SignInNeededError } from "./oauth/provider.ts";

/** Milliseconds for the first event of the old transport. */
const OLD_MS = 5_000;

/**
 * Creates the connection.
 *
 * @param provider The login; absent if there is none.
 * @param onToolsChanged The server says that it has other tools now.
 */
export function createHttpTransport(
  serverId: string,
  server: McpHttpServer,
  schedule: StartTimer,
  provider?: OAuthClientProvider,
  onToolsChanged?: () => void,
) {
  const { url, headers } = server;
  let refused: Error | undefined;
  let hasLostSession = false;
  /** The headers of a first request that the server does not know; absent: it does. */
  let unknown: HeadersInit | undefined;
  let fetchOAuth: typeof fetch | undefined;
  return {
    transport: {
      type: "http" as const,
      url,
      headers: { ...headers },
      redirect: "error" as const,
      authProvider: provider,
      async fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
        const address = input instanceof Request ? input.url : String(input);
        // The library uses the same function to refresh tokens.
        if (address !== new URL(url).href) {
          fetchOAuth ??= (await import("./oauth/fetch.ts")).createOAuthFetch(url);
          return await fetchOAuth(input, init);
        }
        const response = await fetchPlain(globalThis.fetch, input, sentOnce(init));
        const { status } = response;
        const isInSession = new Headers(init?.headers).has("mcp-session-id");
        hasLostSession = isInSession && (status === 404 || status === 400);
        if (init?.method === "POST") {
          unknown = !isInSession && [400, 404, 405].includes(status) ? init.headers : undefined;
          refused = response.ok ? undefined : refused;
          if (status === 401 || status === 403) {
            const challenge = readChallenge(response.headers.get("www-authenticate"));
            const refusal = refusalOf(serverId, server, status, challenge, provider !== undefined);
            if (challenge.isScopeMissing && refusal instanceof SignInNeededError) {
              await response.body?.cancel();
              throw refusal; // it concerns this request alone
            }
            refused = refusal;
          }
        }
        const abortable = (given: Response) =>
          init?.signal ? abortableResponse(given, init.signal) : given;
        return withAnswer(abortable(response), requestId(init?.body), {
          onToolsChanged,
          async resume(lastEventId, ms) {
            const signal = init?.signal ?? new AbortController().signal;
            if (!signal.aborted) await waitFor(ms, schedule, signal);
            const more = await openStream(url, { ...init }, { "last-event-id": lastEventId });
            return more && abortable(more).body;
          },
        });
      },
    },
    /** The server's refusal of the last request; `undefined` if it refused none. */
    refusal: () => refused,
    /** Whether the server no longer knows the session, so that it ran nothing of the last request. */
    hasLostSession: () => hasLostSession,
    /** Why a server that takes no message may be one of the transport before; resolves to an error. */
    async oldTransport() {
      if (!unknown) return undefined;
      try {
        const signal = AbortSignal.timeout(OLD_MS);
        const stream = await openStream(url, { headers: unknown, redirect: "error", signal });
        const reader = stream && abortableResponse(stream, signal).body?.getReader();
        const { value } = await reader?.read() ?? {};
        await reader?.cancel();
        return /^event: ?endpoint\b/m.test(new TextDecoder().decode(value)) ? OLD : undefined;
      } catch {
        return undefined; // it is no server of that kind
      }
    },
  };
}

export type HttpTransport = ReturnType<typeof createHttpTransport>;

const OLD = new Error(
  "the server speaks only the old SSE transport of MCP; Barnacle needs Streamable HTTP: write that " +
    "address of the server, often with /mcp in place of /sse, or run a bridge as a program",
);

/** Asks for a stream with the headers of a request before; `undefined` if the server gives none. */
async function openStream(
  url: string,
  { headers: before, signal, redirect }: RequestInit,
  fields: Readonly<Record<string, string>> = {},
): Promise<Response | undefined> {
  const headers = new Headers(before);
  headers.delete("content-type");
  for (const [name, value] of Object.entries({ ...fields, accept: "text/event-stream" })) {
    headers.set(name, value);
  }
  const response = await fetchPlain(fetch, url, { method: "GET", headers, signal, redirect });
  if (response.ok && isEventStream(response)) return response;
  await response.body?.cancel();
  return undefined;
}

/**
 * Deno sends a request again if the server closes a used connection before it answers. A body that
 * can be read only once prevents that. Bun, which has no such repetition, needs nothing.
 */
function sentOnce(init: RequestInit | undefined): RequestInit | undefined {
  if (!process.versions.deno || typeof init?.body !== "string") return init;
  return { ...init, body: new Blob([init.body]).stream() };
}

/** Id of a JSON-RPC request; `undefined` for a notification, or a request without a body. */
function requestId(body: unknown): number | undefined {
  if (typeof body !== "string") return undefined;
  const message: unknown = JSON.parse(body);
  return isRecord(message) && typeof message["method"] === "string" &&
      typeof message["id"] === "number"
    ? message["id"]
    : undefined;
}

function refusalOf(
  serverId: string,
  server: McpHttpServer,
  status: number,
  challenge: Challenge,
  hasLogin: boolean,
): Error {
  const says = `the server refuses Barnacle (HTTP ${status}): `;
  const key = `mcp.servers.${serverId}.headers.authorization`;
  const { scope, isScopeMissing, metadata } = challenge;
  const more = isScopeMissing && `this needs ${scope ? `the scopes "${scope}"` : "more scopes"}`;
  if (hasOwnToken(server)) {
    return new Error(`${says}${more ? `${more}; ` : ""}put a valid token into ${key}`);
  }
  if (!metadata && scope === undefined && !isScopeMissing && !hasLogin && status !== 401) {
    return new Error(`${says}no access; put a token of the server into ${key}`);
  }
  const fixed = more && server.oauth?.scope !== undefined
    ? `add them to mcp.servers.${serverId}.oauth.scope; then, `
    : "";
  const why = more || (hasLogin ? "it takes the login no more" : "it wants a sign-in");
  if (server.isEach) {
    return new SignInNeededError(`${says}${why}; call mcp__${serverId}__sign_in`, challenge);
  }
  return new SignInNeededError(
    `${says}${why}; ${fixed}on Barnacle's machine, run \`barnacle mcp login ${serverId}\`, or put a ` +
      `token of the server into ${key}`,
    challenge,
  );
}
