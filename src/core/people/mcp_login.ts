/** Declares the state of logins at MCP servers, which owners see (T13). */

/** The login at an MCP server of the config. These facts need no request to it. */
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
