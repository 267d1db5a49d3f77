/**
 * Reaches servers of the Model Context Protocol over HTTP, and says in words if they want a sign-in.
 *
 * @module
 */

import { abortableResponse } from "../lib/network/abortable_response.ts";

/** A server over HTTP. */
export interface HttpServer {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** A connection over HTTP. */
export interface HttpTransport {
  /** For the client. */
  readonly transport: {
    readonly type: "http";
    readonly url: string;
    readonly headers: Record<string, string>;
    readonly redirect: "error";
    readonly fetch: typeof fetch;
  };
  /** The server's refusal of the last request, as an error; `undefined` if it refused none. */
  refusal(): Error | undefined;
}

/**
 * Creates the connection.
 *
 * @param headersKey Config path of the headers, for the operator.
 */
export function createHttpTransport(
  { url, headers }: HttpServer,
  headersKey: string,
): HttpTransport {
  let refused: Error | undefined;
  return {
    transport: {
      type: "http",
      url,
      headers: { ...headers },
      redirect: "error",
      async fetch(input, init) {
        const response = await globalThis.fetch(input, init);
        const { status } = response;
        if (status === 401 || status === 403) {
          refused = refusalOf(status, response.headers.get("www-authenticate"), headersKey);
        } else if (response.ok) refused = undefined;
        return init?.signal ? abortableResponse(response, init.signal) : response;
      },
    },
    refusal: () => refused,
  };
}

function refusalOf(status: number, challenge: string | null, key: string): Error {
  const asksOAuth = challenge !== null && /resource_metadata=|\bscope=/i.test(challenge);
  const why = asksOAuth
    ? "it wants a sign-in with OAuth, which Barnacle does not have"
    : "no access";
  return new Error(
    `the server refuses Barnacle (HTTP ${status}): ${why}; put a token of the server into ` +
      `${key}.authorization, such as "Bearer \${MCP_TOKEN}"`,
  );
}
