/** All servers of the Model Context Protocol, and their tools (T6). */

import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { defineTool, type Tool } from "../core/turn/tool.ts";
import type { McpToolDefinition } from "./definitions.ts";
import type { McpConnection, McpPorts, McpServer } from "./connection.ts";
import { createHeldCalls, type HeldCalls } from "./elicitation/held_calls.ts";
import { createMcpConnection } from "./server.ts";

interface RunningServer {
  readonly server: McpServer;
  readonly connection: McpConnection;
}

/** Longest name that every model API takes. */
const MAX_NAME = 64;

/** Creates the servers; none connects before it is needed. */
export function createMcpServers(servers: readonly McpServer[], ports: Omit<McpPorts, "onTools">) {
  let running: readonly RunningServer[] = [];
  let tools: readonly Tool[] = [];
  const held = createHeldCalls(ports.schedule);

  function refresh(): void {
    tools = running.flatMap(({ server, connection }) =>
      (connection.tools() ?? []).flatMap((definition) =>
        toolOf(server.id, definition, connection, held) ?? []
      )
    );
  }

  function apply(next: readonly McpServer[]): void {
    const kept = new Set<RunningServer>();
    running = next.map((server) => {
      const known = running.find((one) => isDeepStrictEqual(one.server, server));
      if (known) kept.add(known);
      const connection = known?.connection ??
        createMcpConnection(server, { ...ports, onTools: refresh });
      return known ?? { server, connection };
    });
    refresh();
  }

  apply(servers);
  return {
    /** All known tools: the same array until they change. */
    tools: (): readonly Tool[] => tools,
    /**
     * Lists the tools of servers that have not listed theirs. Never rejects.
     *
     * @param isWanted Whether to ask a server, by its id.
     * @returns `undefined` if there are none.
     */
    list(isWanted: (id: string) => boolean): Promise<void> | undefined {
      if (running.length === 0) return undefined;
      const missing = running.filter(({ server, connection }) =>
        connection.tools() === undefined && isWanted(server.id)
      );
      if (missing.length === 0) return undefined;
      return Promise.all(missing.map(({ connection }) => connection.list())).then(() => {});
    },
    /** Takes other servers; those that stay the same keep their connections. */
    apply(next: readonly McpServer[]): void {
      const before = running;
      apply(next);
      for (const one of before) if (!running.includes(one)) void one.connection.close();
    },
    /** Ends it, and resolves once nothing runs. */
    async close(): Promise<void> {
      held.close();
      await Promise.all(running.map(({ connection }) => connection.close()));
    },
  };
}

/** The servers of the config. */
export type McpServers = ReturnType<typeof createMcpServers>;

/** @returns `undefined` if the name is too long for model APIs. */
function toolOf(
  serverId: string,
  { name, description, inputSchema, isIdempotent }: McpToolDefinition,
  connection: McpConnection,
  held: HeldCalls,
): Tool | undefined {
  const fullName = `mcp__${serverId}__${name.replace(/[^A-Za-z0-9_-]/g, "_")}`;
  if (fullName.length > MAX_NAME) return undefined;
  return defineTool({
    name: fullName,
    description,
    input: z.record(z.string(), z.unknown()), // the server checks them by its own schema
    parameters: inputSchema,
    needs: [],
    isIdempotent,
    async run(input, context) {
      const about = { server: serverId, tool: fullName };
      const write = await held.run(
        about,
        context,
        (signal, call) => connection.call(name, input, signal, call),
      );
      return await write(context.showImage);
    },
  });
}
