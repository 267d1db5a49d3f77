/** Serves MCP over HTTP: each request has a server of its own, so there is no session to steal. */

import { createMcpHandler } from "@modelcontextprotocol/server";
import type { CallingProgram, CallService } from "../../../core/programs/service.ts";
import { createMcpTools, type ProgramCalls } from "./mcp_tools.ts";

export type McpHandler = (
  request: Request,
  body: unknown,
  program: { readonly caller: CallingProgram; readonly service: CallService },
) => Promise<Response>;

export function createMcp(version: string, { refused, failed }: {
  /** The client's fault, which its answer names. */
  readonly refused: (error: Error) => void;
  /** Barnacle's fault: the client learns no details. */
  readonly failed: (error: unknown) => void;
}): McpHandler {
  const calls = new WeakMap<object, ProgramCalls>();
  const handler = createMcpHandler(({ authInfo }) => {
    const own = authInfo && calls.get(authInfo);
    if (!own) throw new Error("a request of MCP came without its program");
    return createMcpTools(own, version, (error) => {
      failed(error);
      return "Internal error; see the log";
    });
  }, { onerror: refused });
  return (request, parsedBody, { caller, service }) => {
    // Barnacle has checked the token; the library only passes the rest on.
    const authInfo = { token: "", clientId: caller.program, scopes: [] };
    calls.set(authInfo, callsOf(caller, service));
    return handler.fetch(request, { authInfo, parsedBody });
  };
}

function callsOf(caller: CallingProgram, service: CallService): ProgramCalls {
  return {
    agents: () => Promise.resolve(service.agents(caller)),
    begin: (call) => service.begin(caller, call),
    countRead: () => Promise.resolve().then(() => service.countRead(caller)),
    wait: (id, signal, maxMs) =>
      service.wait(caller, id, AbortSignal.any([signal, AbortSignal.timeout(maxMs)])),
    leave: service.leave,
    act: (name, given, signal) => service.act(caller, name, given, signal),
  };
}
