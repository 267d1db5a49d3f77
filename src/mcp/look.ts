/** Connects to MCP servers once, for `barnacle doctor` (T13). */

import type { McpServerState } from "../core/mcp_state.ts";
import { schedule } from "../lib/clock.ts";
import { findSandbox, type Sandbox } from "./sandbox.ts";
import { SignInNeededError } from "./oauth/provider.ts";
import type { McpHost, McpServer } from "./server.ts";
import { createMcpConnection } from "./server.ts";

export interface McpLook extends Omit<McpServerState, "state"> {
  /** Whether a sign-in by the operator solves the problem. */
  readonly wantsSignIn?: true;
  /** Whether its program runs in a sandbox; absent for a server over HTTP. */
  readonly sandbox?: "yes" | "no" | "off";
}

/** All servers, and the sandbox of this machine; absent if no program may use it. */
export interface McpView {
  readonly servers: readonly McpLook[];
  /** The sandbox of local servers; absent if none is local. */
  readonly sandbox?: Sandbox;
}

const QUIET = { debug() {}, info() {}, warn() {}, error() {} };

export async function lookAtServers(
  servers: readonly McpServer[],
  { version, confine, logins }: Pick<McpHost, "version" | "confine" | "logins">,
): Promise<McpView> {
  const asksSandbox = servers.some(({ transport }) =>
    transport.kind === "stdio" && transport.sandbox !== "off"
  );
  const sandbox = asksSandbox ? await findSandbox() : undefined;
  const looks = await Promise.all(servers.map(async (server): Promise<McpLook> => {
    const { id, transport } = server;
    const connection = createMcpConnection(server, {
      version,
      now: Date.now,
      schedule,
      log: QUIET,
      confine,
      seen: { look: () => undefined },
      logins,
    });
    await connection.list();
    const tools = connection.tools();
    const problem = tools ? undefined : connection.problem() ?? new Error("it listed no tools");
    const { said, cut } = connection.state();
    await connection.close();
    return {
      id,
      tools: tools?.length ?? 0,
      cut,
      problem: problem?.message,
      said: problem ? said : [],
      wantsSignIn: problem instanceof SignInNeededError || undefined,
      sandbox: transport.kind === "stdio"
        ? transport.sandbox === "off" ? "off" : sandbox?.kind === "bubblewrap" ? "yes" : "no"
        : undefined,
    };
  }));
  return { servers: looks, sandbox };
}
