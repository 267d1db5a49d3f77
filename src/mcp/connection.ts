/** Declares a server of the Model Context Protocol, and the connection to it. */

import type { ToolContext } from "../core/turn/tool.ts";
import type { McpServerState } from "../core/mcp_state.ts";
import type { StartTimer } from "../lib/clock.ts";
import type { Confine, StdioProgram } from "./confine.ts";
import type { McpToolDefinition, SeenTools } from "./definitions.ts";
import type { McpHttpServer } from "./oauth/logins.ts";
import type { LoginPorts } from "./oauth/provider.ts";

export interface McpServer {
  readonly id: string;
  readonly transport:
    | ({ readonly kind: "http" } & McpHttpServer)
    | ({ readonly kind: "stdio" } & StdioProgram);
  /** Tools to offer, by the server's names; all if absent. */
  readonly allow?: readonly string[];
}

export interface McpPorts extends LoginPorts {
  readonly version: string;
  readonly schedule: StartTimer;
  readonly confine: Confine;
  /** Remembers descriptions and odd results over a restart. */
  readonly seen: Pick<SeenTools, "look"> & Partial<SeenTools>;
  /** The server has listed its tools, perhaps other ones than before; or it begins to connect. */
  readonly onTools: () => void;
}

/**
 * Writes the result of a call for the model, and shows its images.
 *
 * @throws {Error} If the tool failed, with its words.
 */
export type WriteResult = (showImage?: ToolContext["showImage"]) => Promise<string>;

/** A server that connects by itself. */
export interface McpConnection {
  /** The tools as last listed; `undefined` before the first time. */
  tools(): readonly McpToolDefinition[] | undefined;
  /** The last failure; `undefined` if there was none. */
  problem(): Error | undefined;
  state(): McpServerState;
  /** When the operator signed in; `undefined` without a login. */
  signedInAt(): number | undefined;
  /** Lists the tools if that has not been done, and does not wait for a server that failed. */
  list(): Promise<void>;
  /**
   * Calls a tool.
   *
   * @throws {Error} If the server cannot be reached, or the tool fails, with the reason. An
   * `UnknownOutcomeError` if the connection was lost during the call.
   */
  call(
    name: string,
    input: Record<string, unknown>,
    signal: AbortSignal,
  ): Promise<WriteResult>;
  /** Ends it, and resolves once nothing runs. */
  close(): Promise<void>;
}
