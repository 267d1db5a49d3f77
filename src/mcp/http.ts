/**
 * Reaches servers of the Model Context Protocol over HTTP, and says in words if they want a sign-in.
 */

import { fetchPlain } from "../lib/network/fetch_plain.ts";
import process from "node:process";
import type { OAuthClientProvider } from "@ai-sdk/mcp";
import { abortableResponse } from "../lib/network/read_body.ts";
import { isRecord } from "../lib/text/json.ts";
import { withAnswer } from "./answer_body.ts";
import { hasOwnToken, type McpHttpServer } from "./oauth/logins.ts";
import { SignInNeededError } from "./oauth/provider.ts";

/** A connection over HTTP. */
export interface HttpTransport {
  readonly transport: {
    readonly type: "http";
    readonly url: string;
    readonly headers: Record<string, string>;
    readonly redirect: "error";
    readonly authProvider?: OAuthClientProvider;
    readonly fetch: typeof fetch;
  };
  /** The server's refusal of the last request, as an error; `undefined` if it refused none. */
  refusal(): Error | undefined;
  /** Whether the server no longer knows the session, so that it ran nothing of the last request. */
  hasLostSession(): boolean;
}

/**
 * Creates the connection.
 *
 * @param provider The login; absent if there is none.
 * @param onToolsChanged The server says that it has other tools now.
 */
export function createHttpTransport(
  serverId: string,
  server: McpHttpServer,
  provider?: OAuthClientProvider,
  onToolsChanged?: () => void,
): HttpTransport {
  const { url, headers } = server;
  let refused: Error | undefined;
  let hasLostSession = false;
  let fetchOAuth: typeof fetch | undefined;
  return {
    transport: {
      type: "http",
      url,
      headers: { ...headers },
      redirect: "error",
      authProvider: provider,
      async fetch(input, init) {
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
        if (status === 401 || status === 403) {
          const challenge = response.headers.get("www-authenticate");
          refused = refusalOf(serverId, server, status, challenge, provider !== undefined);
        } else if (response.ok) refused = undefined;
        const answer = init?.signal ? abortableResponse(response, init.signal) : response;
        return withAnswer(answer, requestId(init?.body), onToolsChanged);
      },
    },
    refusal: () => refused,
    hasLostSession: () => hasLostSession,
  };
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
  challenge: string | null,
  hasLogin: boolean,
): Error {
  const says = `the server refuses Barnacle (HTTP ${status}): `;
  const key = `mcp.servers.${serverId}.headers.authorization`;
  if (hasOwnToken(server)) return new Error(`${says}put a valid token into ${key}`);
  const asksOAuth = challenge !== null && /resource_metadata=|\bscope=/i.test(challenge);
  if (!asksOAuth && !hasLogin && status !== 401) {
    return new Error(`${says}no access; put a token of the server into ${key}`);
  }
  const why = hasLogin ? "it takes the login no more" : "it wants a sign-in";
  return new SignInNeededError(
    `${says}${why}; on Barnacle's machine, run \`barnacle mcp login ${serverId}\`, or put a token ` +
      `of the server into ${key}`,
  );
}
