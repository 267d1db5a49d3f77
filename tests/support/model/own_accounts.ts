/**
 * A strict authorization server with the accounts of several people, and an MCP server that shows each
 * token's account alone. It refuses all that RFC 6749, 7636, 8707 and 9207 refuse.
 */

import { createHash, randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface AccountServer extends AsyncDisposable {
  /** Address of the MCP server. */
  readonly url: string;
  readonly origin: string;
  /** The account and the token of each call of a tool. */
  readonly calls: { readonly who: string; readonly tool: string }[];
  /** All tokens and codes that it has given away. */
  readonly secrets: string[];
  readonly habits: { onToken?: () => Promise<void> };
  /** Signs in as a person in a browser, and returns the address that it goes back to. */
  allow(address: string, who: string): URL;
  /** Takes back all tokens of a person. */
  revoke(who: string): void;
}

interface Grant {
  readonly who: string;
  readonly client: string;
  readonly resource: string;
}

export async function startAccountServer(): Promise<AccountServer> {
  const habits: AccountServer["habits"] = {};
  const calls: AccountServer["calls"][number][] = [];
  const secrets: string[] = [];
  const clients = new Map<string, readonly string[]>();
  const codes = new Map<string, Grant & { readonly challenge: string; readonly back: string }>();
  const access = new Map<string, Grant>();
  const refresh = new Map<string, Grant>();
  const draw = (kind: string) => {
    const drawn = `${kind}-${randomBytes(12).toString("hex")}`;
    secrets.push(drawn);
    return drawn;
  };
  const server = createServer((request, response) =>
    void handle(request, response).catch(() => response.writeHead(500).end())
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const url = `${origin}/mcp`;

  function grant(response: ServerResponse, { who, client, resource }: Grant): void {
    const [token, next] = [draw("access"), draw("refresh")];
    access.set(token, { who, client, resource });
    refresh.set(next, { who, client, resource });
    json(response, {
      access_token: token,
      token_type: "Bearer",
      expires_in: 3_600,
      refresh_token: next,
    });
  }

  const whoOf = ({ headers }: IncomingMessage) =>
    access.get(headers.authorization?.replace(/^Bearer /, "") ?? "")?.who;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? "/", origin);
    let body = "";
    for await (const piece of request.setEncoding("utf8")) body += piece;
    const asked = new URLSearchParams(body);
    const fail = (error: string) => json(response, { error }, 400);
    switch (pathname) {
      case "/.well-known/oauth-protected-resource/mcp":
        return json(response, { resource: url, authorization_servers: [origin] });
      case "/.well-known/oauth-authorization-server":
        return json(response, {
          issuer: origin,
          authorization_endpoint: `${origin}/authorize`,
          token_endpoint: `${origin}/token`,
          registration_endpoint: `${origin}/register`,
          response_types_supported: ["code"],
          code_challenge_methods_supported: ["S256"],
          authorization_response_iss_parameter_supported: true,
        });
      case "/register": {
        const { redirect_uris } = JSON.parse(body);
        const client_id = `client-${clients.size}`;
        clients.set(client_id, redirect_uris);
        return json(response, { ...JSON.parse(body), client_id }, 201);
      }
      case "/token":
        await habits.onToken?.();
        return token(asked, response, fail);
      case "/mcp":
        return answerMcp({ request, response, body, origin, calls, who: whoOf(request) });
    }
    response.writeHead(404).end();
  }

  function token(asked: URLSearchParams, response: ServerResponse, fail: (why: string) => void) {
    const client = asked.get("client_id") ?? "";
    switch (asked.get("grant_type")) {
      case "authorization_code": {
        const code = codes.get(asked.get("code") ?? "");
        codes.delete(asked.get("code") ?? ""); // it counts once, right or not
        const proof = createHash("sha256").update(asked.get("code_verifier") ?? "");
        const isRight = code?.client === client && code.back === asked.get("redirect_uri") &&
          code.challenge === proof.digest("base64url") && code.resource === asked.get("resource");
        return code && isRight ? grant(response, code) : fail("invalid_grant");
      }
      case "refresh_token": {
        const known = refresh.get(asked.get("refresh_token") ?? "");
        refresh.delete(asked.get("refresh_token") ?? "");
        return known?.client === client ? grant(response, known) : fail("invalid_grant");
      }
      default:
        return fail("unsupported_grant_type");
    }
  }

  return {
    ...{ url, origin, calls, secrets, habits },
    allow(address, who) {
      const { searchParams: asked, origin: at, pathname } = new URL(address);
      const client = asked.get("client_id") ?? "";
      const back = asked.get("redirect_uri") ?? "";
      if (`${at}${pathname}` !== `${origin}/authorize` || !clients.get(client)?.includes(back)) {
        throw new Error(`The server knows no such client: ${address}`);
      }
      if (asked.get("code_challenge_method") !== "S256" || asked.get("resource") !== url) {
        throw new Error(`The server wants PKCE and the resource: ${address}`);
      }
      const code = draw("code");
      const challenge = asked.get("code_challenge") ?? "";
      codes.set(code, { who, client, resource: url, challenge, back });
      const to = new URL(back);
      const state = asked.get("state") ?? "";
      for (const [name, value] of Object.entries({ code, state, iss: origin })) {
        to.searchParams.set(name, value);
      }
      return to;
    },
    revoke(who) {
      for (const map of [access, refresh]) {
        for (const [key, one] of map) if (one.who === who) map.delete(key);
      }
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function json(response: ServerResponse, value: object, status = 200): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
}

/**
 * Answers as an MCP server that shows the agenda of a token's account.
 *
 * @param asked `who`: the account; `undefined` if the token counts for none.
 */
export function answerMcp({ request, response, body, who, origin, calls }: {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: string;
  readonly who: string | undefined;
  readonly origin: string;
  readonly calls: { who: string; tool: string }[];
}): void {
  if (who === undefined) {
    const at = `${origin}/.well-known/oauth-protected-resource/mcp`;
    const challenge = `Bearer resource_metadata="${at}"`;
    return void response.writeHead(401, { "www-authenticate": challenge }).end();
  }
  if (request.method !== "POST") return void response.writeHead(405).end();
  const { id, method, params } = JSON.parse(body);
  if (id === undefined) return void response.writeHead(202).end();
  const answer = (result: object) => json(response, { jsonrpc: "2.0", id, result });
  switch (method) {
    case "initialize":
      return answer({
        protocolVersion: "2025-11-25",
        capabilities: { tools: {} },
        serverInfo: { name: "accounts", version: "1" },
      });
    case "tools/list":
      return answer({
        tools: [
          { name: "agenda", annotations: { readOnlyHint: true } },
          { name: "book", annotations: {} },
        ].map((tool) => ({ ...tool, description: tool.name, inputSchema: { type: "object" } })),
      });
    case "tools/call": {
      calls.push({ who, tool: params.name });
      const auth = request.headers.authorization;
      return answer({ content: [{ type: "text", text: `agenda of ${who}, asked with ${auth}` }] });
    }
    default:
      return json(response, { jsonrpc: "2.0", id, error: { code: -32_601, message: "unknown" } });
  }
}
