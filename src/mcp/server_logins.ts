/** Signs in to MCP servers, and shows their logins, for `barnacle mcp` and `/mcp` (T13). */

import type { McpLoginState } from "../core/people/mcp_login.ts";
import { quoted } from "../lib/text/quoted.ts";
import type { McpServer } from "./connection.ts";
import { hashOfAll, type SeenTools } from "./definitions.ts";
import { hasOwnToken, type Logins, type McpHttpServer } from "./oauth/logins.ts";
import { beginSignIn, type SignIn } from "./sign_in.ts";

/** A server of the config. These facts need no request to it. */
export interface McpState extends McpLoginState {
  readonly at: string;
  /** Number of the tools that the bot saw last; absent if it saw none. */
  readonly tools?: number;
  /** One hash for all descriptions of these tools, in hex digits. */
  readonly hash?: string;
}

export function mcpStates(
  servers: readonly McpServer[],
  logins: Pick<Logins, "read">,
  seen?: Pick<SeenTools, "of">,
): readonly McpState[] {
  return servers.map(({ id, transport }) => {
    const tools = seen?.of(id);
    const hash = tools && hashOfAll(tools);
    const about = { id, ...(tools && { tools: Object.keys(tools).length, hash }) };
    if (transport.kind === "stdio") return { ...about, at: transport.command, login: "program" };
    const { url: at } = transport;
    if (hasOwnToken(transport)) return { ...about, at, login: "token" };
    const login = logins.read(id, at);
    if (!login || login.signedInAt === 0) return { ...about, at, login: "none" };
    if (!login.tokens) return { ...about, at, login: "ended" };
    return {
      ...about,
      at,
      login: "valid",
      isRenewed: login.tokens.refresh_token !== undefined,
      until: login.expiresAt,
    };
  });
}

/** Finds the server that the operator names. */
export function signInServer(servers: readonly McpServer[], id: string):
  | { readonly kind: "found"; readonly server: McpHttpServer }
  | { readonly kind: "problem"; readonly problem: string } {
  const server = servers.find((one) => one.id === id)?.transport;
  const problem = (words: string) => ({ kind: "problem", problem: words }) as const;
  if (!server) {
    const names = servers.map((one) => one.id).join(", ") || "none";
    return problem(`the config has no MCP server ${quoted(id)}; it has: ${names}`);
  }
  if (server.kind === "stdio") {
    return problem(
      `the MCP server ${quoted(id)} is a program; only servers with a url have a sign-in`,
    );
  }
  if (server.isEach) return problem("each person signs in to it with their own account");
  return hasOwnToken(server)
    ? problem(
      `the config has a token for it; to sign in instead, remove ` +
        `mcp.servers.${id}.headers.authorization`,
    )
    : { kind: "found", server };
}

/**
 * Starts a sign-in, whose `finish` also stores the login.
 *
 * @param redirectUrl Address on this machine that the browser comes back to.
 * @throws {SignInError} If the server wants none, or offers none.
 */
export async function beginLogin(
  id: string,
  server: McpHttpServer,
  redirectUrl: string,
  logins: Pick<Logins, "read" | "write">,
): Promise<SignIn> {
  const { wantedScope } = logins.read(id, server.url) ?? {};
  const { finish, ...pending } = await beginSignIn(server, redirectUrl, Date.now, wantedScope);
  return {
    ...pending,
    async finish(answer) {
      const login = await finish(answer);
      logins.write(id, login);
      return login;
    },
  };
}
