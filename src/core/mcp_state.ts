/**
 * The state of MCP servers, with its words for operators, and of logins at them, which owners see
 * (T13).
 */

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

export interface McpServerState {
  readonly id: string;
  /** `failing`: the last attempt to connect has failed. */
  readonly state: "connecting" | "ready" | "failing";
  /** Number of its tools as last listed. */
  readonly tools: number;
  /** Tools that the model gets in part or not at all, each with the reason; absent: none. */
  readonly cut?: readonly string[];
  /** Why it fails. */
  readonly problem?: string;
  /** The last lines that its program wrote to stderr, without secrets; empty if it wrote none. */
  readonly said: readonly string[];
}

/** Tools to name; the log has few words for each. */
const MAX_CUT = 20;

/** The tools that the model gets in part or not at all, as one line. */
export function cutText(cut: readonly string[]): string {
  const more = cut.length > MAX_CUT ? [`and ${cut.length - MAX_CUT} more`] : [];
  return [...cut.slice(0, MAX_CUT), ...more].join("; ");
}

/** A problem with the last lines of the program, if it wrote any, as one line. */
export function problemWithWords(problem: string, said: readonly string[]): string {
  return said.length === 0 ? problem : `${problem}; its program wrote: ${said.join(" / ")}`;
}
