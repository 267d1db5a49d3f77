/**
 * Signs in to MCP servers of the config, and shows their logins, for `barnacle mcp` and `/mcp` (T13).
 *
 * @module
 */

import type { BotConfig } from "../../config/config.ts";
import type { McpLoginState } from "../../interactions/base/context.ts";
import { quoted } from "../../lib/text/quoted.ts";
import { hashOfAll, type ToolHashes } from "../../mcp/definitions.ts";
import { hasOwnToken, type HttpServer } from "../../mcp/oauth/logins.ts";
import { beginSignIn, type SignIn } from "../../mcp/oauth/sign_in.ts";
import { httpServerOf, isHttp, loginsIn, seenIn } from "./ports.ts";

/** A server of the config. These facts need no request to it. */
export interface McpState extends McpLoginState {
  /** Its address or its program. */
  readonly at: string;
  /** Number of the tools that the bot or `doctor` saw last; absent if neither has. */
  readonly tools?: number;
  /** One hash for all descriptions of these tools, in hex digits. */
  readonly hash?: string;
}

/** The server to sign in to, or why there is none. */
export type SignInServer =
  | { readonly kind: "found"; readonly server: HttpServer }
  | { readonly kind: "problem"; readonly problem: string };

/** A sign-in that waits for the operator, and whose `finish` also stores the login. */
export type PendingLogin = SignIn;

/** All servers of the config. */
export function mcpStates({ mcp }: Pick<BotConfig, "mcp">, dataDir: string): readonly McpState[] {
  const logins = loginsIn(dataDir);
  const seen = (["run", "doctor"] as const).map((by) => seenIn(dataDir, by));
  return Object.entries(mcp.servers).map(([id, server]) => {
    const tools = seen.map((one) => one.of(id)).find((hashes) => hashes);
    const about = { id, ...(tools && seenFields(tools)) };
    if (!isHttp(server)) return { ...about, at: server.command ?? "", login: "program" };
    const { url } = server;
    if (hasOwnToken(httpServerOf(server))) return { ...about, at: url, login: "token" };
    const login = logins.read(id, url);
    if (!login || login.signedInAt === 0) return { ...about, at: url, login: "none" };
    if (!login.tokens) return { ...about, at: url, login: "ended" };
    return {
      ...about,
      at: url,
      login: "valid",
      isRenewed: login.tokens.refresh_token !== undefined,
      until: login.expiresAt,
    };
  });
}

function seenFields(tools: ToolHashes): Pick<McpState, "tools" | "hash"> {
  return { tools: Object.keys(tools).length, hash: hashOfAll(tools) };
}

/** Finds the server that the operator names. */
export function signInServer({ mcp }: Pick<BotConfig, "mcp">, id: string): SignInServer {
  const found = Object.hasOwn(mcp.servers, id) ? mcp.servers[id] : undefined;
  const problem = (words: string) => ({ kind: "problem", problem: words }) as const;
  if (!found) {
    const names = Object.keys(mcp.servers).join(", ") || "none";
    return problem(`the config has no MCP server ${quoted(id)}; it has: ${names}`);
  }
  if (!isHttp(found)) {
    return problem(
      `the MCP server ${quoted(id)} is a program; only servers with a url have a sign-in`,
    );
  }
  const server = httpServerOf(found);
  return hasOwnToken(server)
    ? problem(
      `the config has a token for it; to sign in instead, remove ` +
        `mcp.servers.${id}.headers.authorization`,
    )
    : { kind: "found", server };
}

/**
 * Starts a sign-in.
 *
 * @param redirectUrl Address on this machine that the browser comes back to.
 * @throws {SignInError} If the server wants none, or offers none.
 */
export async function beginLogin(
  id: string,
  server: HttpServer,
  redirectUrl: string,
  dataDir: string,
): Promise<PendingLogin> {
  const { finish, ...pending } = await beginSignIn(server, redirectUrl, Date.now);
  return {
    ...pending,
    async finish(answer) {
      const login = await finish(answer);
      loginsIn(dataDir).write(id, login);
      return login;
    },
  };
}

/**
 * Deletes the login at a server.
 *
 * @returns Whether there was a login.
 */
export function endLogin(id: string, dataDir: string): boolean {
  return loginsIn(dataDir).remove(id);
}
