/** All servers of the Model Context Protocol, and their tools (T6). */

import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import type { McpServerState } from "../core/mcp_state.ts";
import type { SeenAt } from "../core/rights/rights.ts";
import { defineTool, type Tool } from "../core/turn/tool.ts";
import { inTime } from "../lib/clock.ts";
import { MAX_NAME, type McpToolDefinition } from "./definitions.ts";
import type { McpHost, McpServer } from "./server.ts";
import { createMcpConnection, type McpConnection } from "./server.ts";

/** The time in which turns wait for the first answer of a server. */
interface FirstWait {
  /** As {@link McpConnection.signedInAt}: a new sign-in begins another wait. */
  readonly signedInAt: number | undefined;
  readonly over: Promise<void>;
  isOver: boolean;
}

/** Milliseconds from the start of a connection in which turns wait for its tools. */
const FIRST_MS = 3_000;

/** Milliseconds that one turn waits at most in that time: a server may never answer. */
const TURN_MS = 500;

/**
 * Creates the servers, and begins to connect, so that hardly a turn must wait: only one that begins
 * within {@link FIRST_MS}, as after a restart, where it may need the tools of its earlier steps.
 */
export function createMcpServers(servers: readonly McpServer[], host: McpHost) {
  let running: readonly {
    readonly server: McpServer;
    readonly connection: McpConnection;
    wait: FirstWait;
  }[] = [];
  let tools: readonly Tool[] = [];
  /** Until when connections of a name close. */
  const closed = new Map<string, Promise<void>>();

  function refresh(): void {
    const names = new Set<string>();
    tools = running.flatMap(({ server, connection }) =>
      connection.tools()?.flatMap((definition) => {
        const name = freeName(server.id, definition.name, names);
        const at: SeenAt = host.isOwn
          ? { kind: "account" }
          : { kind: "everyone", by: `mcp.servers.${server.id}.seenBy` };
        return toolOf(name, definition, connection, server.seenBy === "nobody" ? undefined : at);
      }) ?? [waitingToolOf(server.id, connection)]
    );
  }

  /**
   * Connects. Turns that begin meanwhile wait a moment, as most servers connect in that.
   *
   * @param closed When the connection that it replaces is closed: a program may hold a lock.
   */
  function waitFor(connection: McpConnection, closed?: Promise<void>): FirstWait {
    const listed = closed ? closed.then(connection.list) : connection.list();
    const over = inTime(listed, FIRST_MS, host.schedule, () => {}).then(() => {
      wait.isOver = true;
    });
    const wait = { signedInAt: connection.signedInAt(), over, isOver: false };
    return wait;
  }

  /** Takes other servers; those that stay the same keep their connections. */
  function apply(next: readonly McpServer[]): void {
    const before = running;
    const knownOf = (server: McpServer) =>
      before.find((one) => isDeepStrictEqual(one.server, server));
    const kept = new Set(next.map(knownOf));
    for (const one of before) {
      if (kept.has(one)) continue;
      const { server: { id }, connection } = one;
      closed.set(id, Promise.all([closed.get(id), connection.close()]).then(() => {}));
    }
    running = next.map((server) => {
      const known = knownOf(server);
      if (known) return known;
      const connection = createMcpConnection(server, host, refresh);
      return { server, connection, wait: waitFor(connection, closed.get(server.id)) };
    });
    refresh();
  }

  apply(servers);
  return {
    /** All known tools: the same array until they change. */
    tools: (): readonly Tool[] => tools,
    states: (): readonly McpServerState[] => running.map(({ connection }) => connection.state()),
    /**
     * Waits for servers that have just begun to connect. One that is late or has failed connects
     * beside the turns. Never rejects.
     *
     * @param isWanted Whether to ask a server, by its id.
     * @returns `undefined` if there is nothing to wait for.
     */
    list(isWanted: (id: string) => boolean): Promise<void> | undefined {
      if (running.length === 0) return undefined;
      const missing = running.filter(({ server, connection }) =>
        connection.tools() === undefined && isWanted(server.id)
      );
      const waits = missing.map((one): FirstWait => {
        const { wait, connection } = one;
        if (wait.signedInAt !== connection.signedInAt()) return one.wait = waitFor(connection);
        if (wait.isOver) void connection.list();
        return wait;
      });
      if (waits.every(({ isOver }) => isOver)) return undefined;
      const all = Promise.all(waits.map(({ over }) => over)).then(() => {});
      return inTime(all, TURN_MS, host.schedule, () => {});
    },
    apply,
    /** Ends it, and resolves once nothing runs. */
    async close(): Promise<void> {
      await Promise.all(running.map(({ connection }) => connection.close()));
    },
  };
}

export type McpServers = ReturnType<typeof createMcpServers>;

/**
 * Stands for the tools of a server that has not listed them. So the model knows of them, and can tell
 * why they are missing.
 */
function waitingToolOf(serverId: string, connection: McpConnection): Tool {
  return defineTool({
    name: `mcp__${serverId}__connecting`.slice(0, MAX_NAME),
    description: `The MCP server ${serverId} has not listed its tools yet. If the message needs ` +
      "them, call this: it waits for the server, and tells its tools, or why there are none. You " +
      "have them from the next message on.",
    input: () => z.strictObject({}),
    needs: [],
    isIdempotent: true,
    isReadOnly: true,
    seenAt: "nowhere",
    async run() {
      await connection.list();
      const names = connection.tools()?.map(({ name }) => name);
      if (names) {
        return `${serverId} has connected. Its tools, from the next message on: ${
          names.join(", ")
        }`;
      }
      const { problem } = connection.state();
      throw new Error(`${serverId} is not available: ${problem ?? "it is still connecting"}`);
    },
  });
}

/**
 * The model's name of a tool. Two tools can become one name, as `a.b` and `a/b` do. The later one then
 * gets a hash at the end, behind `__`: entries of `tools.allow` and `tools.deny` are for both.
 */
function freeName(serverId: string, name: string, taken: Set<string>): string {
  const own = `mcp__${serverId}__${name.replace(/[^A-Za-z0-9_-]/g, "_")}`;
  const hash = createHash("sha256").update(JSON.stringify([serverId, name])).digest("hex");
  const free = taken.has(own) ? `${own.slice(0, MAX_NAME - 8)}__${hash.slice(0, 6)}` : own;
  taken.add(free);
  return free;
}

function toolOf(
  fullName: string,
  { name, description, inputSchema, isIdempotent, isReadOnly }: McpToolDefinition,
  connection: McpConnection,
  at: SeenAt | undefined,
): Tool {
  return defineTool({
    name: fullName,
    description,
    input: z.record(z.string(), z.unknown()), // the server checks them by its own schema
    parameters: inputSchema,
    needs: [],
    seenAt: isReadOnly || !at ? "nowhere" : () => ({ at }),
    isIdempotent,
    isReadOnly: isReadOnly || undefined,
    async run(input, context) {
      const write = await connection.call(name, input, context.signal);
      return await write(context.showImage);
    },
  });
}
