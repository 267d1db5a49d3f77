/**
 * Declares what `/mcp` needs of the bot: the MCP servers of the config, and their logins (T13).
 *
 * @module
 */

import type { UserId } from "../../core/discord/ids.ts";

/** State of a server's login. */
export interface McpLoginState {
  /** The server's name in the config. */
  readonly id: string;
  /**
   * - `program`: the server is no server over HTTP.
   * - `token`: the config has its token.
   * - `none`: there is no login; the server may want none.
   * - `ended`: the server has taken the login back.
   * - `valid`: there is a login.
   */
  readonly login: "program" | "token" | "none" | "ended" | "valid";
  /** When the access token ends, in Unix milliseconds; absent if the server did not say. */
  readonly until?: number;
  /** Whether Barnacle can renew the token by itself. */
  readonly isRenewed?: boolean;
}

/** Logins to MCP servers, for owners. Each problem is in words for them. */
export interface McpSignIns {
  /** Names of all servers of the config. */
  ids(): readonly string[];
  /** All servers with their logins. */
  states(): Promise<readonly McpLoginState[]>;
  /** Begins a sign-in; an older one of the person at this server ends. */
  begin(serverId: string, userId: UserId): Promise<
    | { readonly kind: "begun"; readonly address: string }
    | { readonly kind: "problem"; readonly problem: string }
  >;
  /**
   * Ends a sign-in of the person by the last address of their browser. `unknown`: the address
   * belongs to no sign-in that waits.
   */
  finish(serverId: string, userId: UserId, address: string): Promise<
    | { readonly kind: "done" }
    | { readonly kind: "unknown" }
    | { readonly kind: "problem"; readonly problem: string }
  >;
  /** Deletes a login. @returns Whether there was one. */
  logout(serverId: string): Promise<boolean>;
}
