/**
 * An MCP server over HTTP that wants a sign-in with OAuth, with an authorization server of its own,
 * and the bad habits of both.
 */

import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { listening } from "../network/listening.ts";

/** Bad habits; a test changes them while the server runs. */
export interface Habits {
  /** Address of the metadata in the challenge; empty for none. */
  challenge?: string;
  /** Scopes in the challenge; empty for none. */
  scope?: string;
  /** Scopes that calls need, too. */
  callScope?: string;
  /** Scopes that no token has, whatever a sign-in asks for. */
  deniedScope?: string;
  /** First method that needs a token; all do if it is absent. */
  guardsFrom?: "tools/list" | "tools/call";
  /** Path of the resource's metadata; empty for none. */
  resourcePath?: string;
  /** Path of the authorization server's address. */
  tenant?: string;
  /** Path of its metadata; empty for none. */
  metadataPath?: string;
  /** Secret that a registration gets. */
  clientSecret?: string;
  /** Replaces fields of the resource's metadata. */
  resource?: object;
  /** Replaces fields of the authorization server's metadata. */
  metadata?: object;
  /** Replaces fields of tokens. */
  token?: object;
  /** Whether the metadata of the authorization server never ends. */
  isEndless?: boolean;
  /** Whether the token endpoint redirects elsewhere. */
  redirectsTo?: string;
  /** Whether refresh tokens have expired. */
  hasExpired?: boolean;
  /** Whether the token endpoint is broken. */
  isBroken?: boolean;
  /** Breaks calls of tools off. */
  breaks?: "before the answer" | "in the stream" | "in the answer" | "without end";
  /** Whether sessions are forgotten once. */
  forgetsSession?: boolean;
  /** Whether no sign-in is wanted. */
  isOpen?: boolean;
}

export interface OAuthServer extends AsyncDisposable {
  /** Address of the MCP server. */
  readonly url: string;
  readonly origin: string;
  readonly habits: Habits;
  readonly tokenRequests: URLSearchParams[];
  /** Values of `authorization` of these. */
  readonly tokenAuth: string[];
  /** Paths of all requests but those to the MCP server. */
  readonly paths: string[];
  readonly clients: Record<string, unknown>[];
  /** Values of `authorization` of requests to the MCP server. */
  readonly seen: (string | undefined)[];
  /** Names of called tools. */
  readonly calls: string[];
  /** Ends the current access token. */
  expire(): void;
  /** Allows the access as a person in a browser, and returns the address that it goes back to. */
  allow(address: string): URL;
}

export async function startOAuthServer(): Promise<OAuthServer> {
  const habits: Habits = {};
  const tokenRequests: URLSearchParams[] = [];
  const tokenAuth: string[] = [];
  const paths: string[] = [];
  const clients: Record<string, unknown>[] = [];
  const seen: (string | undefined)[] = [];
  const calls: string[] = [];
  const codes = new Map<string, URLSearchParams>();
  let issued = 0;
  let access = "";
  let refresh = "";
  let granted: readonly string[] = [];

  const server = createServer((request, response) => void handle(request, response));
  const port = await listening(server);
  const origin = `http://127.0.0.1:${port}`;
  const url = `${origin}/mcp`;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? "/", origin);
    const body = await textOf(request);
    if (pathname !== "/mcp") paths.push(pathname);
    const { tenant = "" } = habits;
    switch (pathname) {
      case habits.resourcePath ?? "/.well-known/oauth-protected-resource/mcp":
        if (habits.isOpen) break;
        return json(response, {
          resource: url,
          authorization_servers: [`${origin}${tenant}`],
          ...habits.resource,
        });
      case habits.metadataPath ?? "/.well-known/oauth-authorization-server":
        if (habits.isEndless) return endless(response, "application/json");
        return json(response, metadataOf(`${origin}${tenant}`));
      case "/.well-known/oauth-authorization-server": // another issuer than the tenant
        if (tenant === "") break;
        return json(response, metadataOf(origin));
      case "/register": {
        const client = {
          ...JSON.parse(body),
          client_id: `client-${clients.length}`,
          client_secret: habits.clientSecret,
        };
        clients.push(client);
        return json(response, client, 201);
      }
      case "/token":
        tokenAuth.push(request.headers.authorization ?? "");
        return token(new URLSearchParams(body), response);
      case "/mcp":
        return serve(request, response, body);
    }
    response.writeHead(404).end();
  }

  function metadataOf(issuer: string): object {
    return {
      issuer,
      authorization_endpoint: `${origin}/authorize`,
      token_endpoint: `${origin}/token`,
      registration_endpoint: `${origin}/register`,
      jwks_uri: `${origin}/jwks`,
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: ["RS256"],
      response_types_supported: ["code"],
      code_challenge_methods_supported: ["S256"],
      ...habits.metadata,
    };
  }

  function token(asked: URLSearchParams, response: ServerResponse): void {
    tokenRequests.push(asked);
    if (habits.redirectsTo !== undefined) {
      return void response.writeHead(307, { location: habits.redirectsTo }).end();
    }
    if (habits.isBroken) return void response.writeHead(503).end("busy");
    if (asked.get("grant_type") === "refresh_token") {
      const isOurs = !habits.hasExpired && asked.get("refresh_token") === refresh;
      return isOurs ? grant(response) : json(response, { error: "invalid_grant" }, 400);
    }
    const code = codes.get(asked.get("code") ?? "");
    const verifier = createHash("sha256").update(asked.get("code_verifier") ?? "");
    const isRight = code?.get("code_challenge") === verifier.digest("base64url") &&
      code?.get("redirect_uri") === asked.get("redirect_uri") &&
      code?.get("resource") === asked.get("resource");
    granted = code?.get("scope")?.split(" ").filter((one) => one !== habits.deniedScope) ?? [];
    return isRight ? grant(response) : json(response, { error: "invalid_grant" }, 400);
  }

  function grant(response: ServerResponse): void {
    issued++;
    access = `access-token-${issued}`;
    refresh = `refresh-token-${issued}`;
    json(response, {
      access_token: access,
      token_type: "Bearer",
      expires_in: 3_600,
      refresh_token: refresh,
      ...habits.token,
    });
  }

  function serve(request: IncomingMessage, response: ServerResponse, body: string): void {
    const { authorization } = request.headers;
    seen.push(authorization);
    if (request.method !== "POST") return void response.writeHead(405).end();
    const { id, method, params } = JSON.parse(body);
    const isFree = habits.isOpen ||
      habits.guardsFrom && !["tools/call", habits.guardsFrom].includes(method);
    const isKnown = access !== "" && authorization === `Bearer ${access}`;
    const { scope = "tools", callScope = "" } = habits;
    if (!isFree && !isKnown) return refuse(response, 401, { scope }, `${authorization}`);
    if (method === "tools/call" && callScope && params.name !== "look") {
      const isEnough = callScope.split(" ").every((one) => granted.includes(one));
      const error = "insufficient_scope";
      if (!isEnough) return refuse(response, 403, { error, scope: callScope }, error);
    }
    const answer = (result: object) => json(response, { jsonrpc: "2.0", id, result });
    if (id === undefined) return void response.writeHead(202).end();
    switch (method) {
      case "initialize":
        response.setHeader("mcp-session-id", "session-1");
        return answer({
          protocolVersion: "2025-11-25",
          capabilities: { tools: {} },
          serverInfo: { name: "guarded", version: "1" },
        });
      case "tools/list":
        return answer({
          tools: ["add", "look"].map((name) => ({
            name,
            description: `${name} for ${authorization}`,
            inputSchema: { type: "object" },
            annotations: { readOnlyHint: name === "look" },
          })),
        });
      case "tools/call": {
        if (habits.forgetsSession) {
          habits.forgetsSession = false;
          return void response.writeHead(404).end("no such session");
        }
        calls.push(params.name);
        const result = { content: [{ type: "text", text: `done as ${authorization}` }] };
        return habits.breaks === undefined ? answer(result) : breakOff(response, id, result);
      }
      default:
        return json(response, {
          jsonrpc: "2.0",
          id,
          error: { code: -32_601, message: "Method not found" },
        });
    }
  }

  function refuse(
    response: ServerResponse,
    status: number,
    fields: Readonly<Record<string, string>>,
    words: string,
  ): void {
    const at = habits.challenge ?? `${origin}/.well-known/oauth-protected-resource/mcp`;
    const list = Object.entries({ ...fields, resource_metadata: at })
      .flatMap(([name, value]) => value === "" ? [] : [`${name}="${value}"`]).join(", ");
    response.writeHead(status, { "www-authenticate": `Bearer ${list}` }).end(`refused: ${words}`);
  }

  function breakOff(response: ServerResponse, id: unknown, result: object): void {
    const stream = { "content-type": "text/event-stream" };
    switch (habits.breaks) {
      case undefined:
      case "before the answer":
        return void response.destroy();
      case "in the stream":
        response.writeHead(200, stream);
        return void response.end(": nothing yet\n\n");
      case "in the answer":
        response.writeHead(200, stream);
        response.write(`data: ${JSON.stringify({ jsonrpc: "2.0", id, result }).slice(0, -9)}`);
        return void setTimeout(() => response.destroy(), 50);
      case "without end":
        return endless(response, "text/event-stream");
    }
  }

  return {
    url,
    origin,
    habits,
    tokenRequests,
    tokenAuth,
    paths,
    clients,
    seen,
    calls,
    expire: () => void (access = "expired"),
    allow(address) {
      const { searchParams } = new URL(address);
      const code = `code-${codes.size}`;
      codes.set(code, searchParams);
      const back = new URL(searchParams.get("redirect_uri") ?? "");
      back.searchParams.set("code", code);
      back.searchParams.set("state", searchParams.get("state") ?? "");
      return back;
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

function endless(response: ServerResponse, type: string): void {
  response.writeHead(200, { "content-type": type });
  const write = () => {
    if (response.destroyed) return;
    response.write(`data: ${"x".repeat(500_000)}`, () => setImmediate(write));
  };
  write();
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const piece of request.setEncoding("utf8")) text += piece;
  return text;
}
