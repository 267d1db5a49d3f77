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

/** Gets errors of requests. */
export interface McpErrors {
  /** The client's fault, which its answer names. */
  readonly refused: (error: Error) => void;
  /** Barnacle's fault: the client learns no details. */
  readonly failed: (error: unknown) => void;
}

/** Creates the handler. */
export function createMcp(version: string, { refused, failed }: McpErrors): McpHandler {
  const calls = new WeakMap<object, ProgramCalls>();
  const handler = createMcpHandler(({ authInfo }) => {
    const own = authInfo && calls.get(authInfo);
    if (!own) throw new Error("a request of MCP came without its program");
    return createMcpTools(own, version, (error) => {
      failed(error);
      return "Internal error; see the log";
    });
  }, { onerror: refused });
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
    countRead: () => Promise.resolve().then(() => desk.countRead(caller)),
    wait: (id, signal, maxMs) =>
      desk.wait(caller, id, AbortSignal.any([signal, AbortSignal.timeout(maxMs)])),
    leave: desk.leave,
    act: (name, given, signal) => desk.act(caller, name, given, signal),
  };
}
