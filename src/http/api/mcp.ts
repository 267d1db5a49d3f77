/** Serves MCP over HTTP: each request has a server of its own, so there is no session to steal. */

import { createMcpHandler } from "@modelcontextprotocol/server";
import type { CallDesk, CallingProgram } from "../../core/calls/desk.ts";
import { createMcpTools, type ProgramCalls } from "./mcp_tools.ts";

/** Answers a request of a program. */
export type McpHandler = (
  request: Request,
  body: unknown,
  program: { readonly caller: CallingProgram; readonly desk: CallDesk },
) => Promise<Response>;

/**
 * Creates the handler.
 *
 * @param onError Gets errors that no client learns of.
 */
export function createMcp(version: string, onError: (error: Error) => void): McpHandler {
  const calls = new WeakMap<object, ProgramCalls>();
  const handler = createMcpHandler(({ authInfo }) => {
    const own = authInfo && calls.get(authInfo);
    if (!own) throw new Error("a request of MCP came without its program");
    return createMcpTools(own, version);
  }, { onerror: onError });
  return (request, parsedBody, { caller, desk }) => {
    // Barnacle has checked the token; the library only passes the rest on.
    const authInfo = { token: "", clientId: caller.program, scopes: [] };
    calls.set(authInfo, callsOf(caller, desk));
    return handler.fetch(request, { authInfo, parsedBody });
  };
}

function callsOf(caller: CallingProgram, desk: CallDesk): ProgramCalls {
  return {
    agents: () => Promise.resolve(desk.agents(caller)),
    begin: (call) => desk.begin(caller, call),
    wait: (id, signal, maxMs) =>
      desk.wait(caller, id, AbortSignal.any([signal, AbortSignal.timeout(maxMs)])),
    leave: desk.leave,
    act: (name, given, signal) => desk.act(caller, name, given, signal),
  };
}
