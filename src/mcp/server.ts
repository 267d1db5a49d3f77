/**
 * One server of the Model Context Protocol: connects when it is first needed, disconnects when it is
 * idle, and waits after failures.
 *
 * @module
 */

import type { MCPClient } from "@ai-sdk/mcp";
import type { Log } from "../lib/log.ts";
import type { Schedule } from "../lib/schedule.ts";
import type { Confine, StdioProgram } from "./confine.ts";
import {
  changesOf,
  definitionsOf,
  hashesOf,
  isUnchanged,
  type ListedTool,
  MAX_TOOLS,
  type McpToolDefinition,
  type ToolHashes,
} from "./definitions.ts";
import { createHttpTransport, type HttpServer } from "./http.ts";
import { declineQuestions } from "./questions.ts";
import { resultText } from "./result_text.ts";
import type { SeenTools } from "./seen_tools.ts";
import { createStdioTransport } from "./stdio.ts";

/** A server, with its secrets. */
export interface McpServer {
  readonly id: string;
  readonly transport:
    | ({ readonly kind: "http" } & HttpServer)
    | ({ readonly kind: "stdio" } & StdioProgram);
  /** Tools to offer, by the server's names; all if absent. */
  readonly allow?: readonly string[];
}

/** The dependencies of a server. */
export interface McpPorts {
  /** Barnacle's version. */
  readonly version: string;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  readonly schedule: Schedule;
  readonly log: Log;
  /** Prepares the start of programs. */
  readonly confine: Confine;
  /** Remembers descriptions over a restart. */
  readonly seen: SeenTools;
  /** The server has listed its tools, perhaps other ones than before. */
  readonly onTools: () => void;
}

/** A server that connects by itself. */
export interface McpConnection {
  /** The tools as last listed; `undefined` before the first time. */
  tools(): readonly McpToolDefinition[] | undefined;
  /** The reason of the last failure; `undefined` if there was none. */
  problem(): string | undefined;
  /** Lists the tools if that has not been done, and does not wait for a server that failed. */
  list(): Promise<void>;
  /**
   * Calls a tool.
   *
   * @throws {Error} If the server cannot be reached, or the tool fails, with the reason.
   */
  call(name: string, input: Record<string, unknown>, signal: AbortSignal): Promise<string>;
  close(): Promise<void>;
}

/** Milliseconds to connect and to list the tools. */
const CONNECT_MS = 20_000;
/** Milliseconds without a call after which the connection ends. */
const IDLE_MS = 10 * 60_000;
/** Milliseconds to wait after the first failure; doubled with each further one. */
const FIRST_WAIT_MS = 1_000;
const MAX_WAIT_MS = 5 * 60_000;
/** Maximum number of pages of a list of tools. */
const MAX_PAGES = 20;

/** Creates the connection. It does nothing before the first call. */
export function createMcpConnection(server: McpServer, ports: McpPorts): McpConnection {
  const { now, schedule, log, onTools, seen, confine } = ports;
  const { id, transport } = server;
  const headersKey = `mcp.servers.${id}.headers`;
  let client: MCPClient | undefined;
  let connecting: Promise<MCPClient> | undefined;
  let tools: readonly McpToolDefinition[] | undefined;
  let failures = 0;
  let waitUntil = 0;
  let problem: string | undefined;
  let questions: ReturnType<typeof declineQuestions> | undefined;
  let running = 0;
  let cancelIdle: (() => void) | undefined;
  let isClosed = false;
  const closing = Promise.withResolvers<never>();
  closing.promise.catch(() => {}); // perhaps no one waits for it

  async function connect(): Promise<MCPClient> {
    const { createMCPClient, ElicitationRequestSchema } = await import("@ai-sdk/mcp");
    let mine: MCPClient | undefined;
    const tooEarly = Promise.withResolvers<never>();
    tooEarly.promise.catch(() => {}); // perhaps it ends later
    const web = transport.kind === "http" ? createHttpTransport(transport, headersKey) : undefined;
    const program = transport.kind === "stdio"
      ? createStdioTransport(() => confine(id, transport), (how) => {
        const ended = new Error(`the program has ended (${how})`);
        tooEarly.reject(ended);
        if (client !== mine || !mine) return;
        client = undefined;
        noteFailure(ended);
      })
      : undefined;
    const to = program ?? web?.transport;
    if (!to) throw new TypeError("a server is a program or an address");
    const opening = createMCPClient({
      transport: to,
      clientName: "barnacle",
      version: ports.version,
      maxRetries: 0, // a call may not be one that can be repeated
      onUncaughtError: (error) =>
        log.debug("An MCP server reports an error", { server: id, error }),
    });
    let isAbandoned = false;
    opening.then((late) => isAbandoned ? late.close() : undefined).catch(() => {});
    try {
      mine = await Promise.race([
        within(CONNECT_MS, schedule, opening),
        tooEarly.promise,
        closing.promise,
      ]);
      questions = declineQuestions((decline) =>
        mine?.onElicitationRequest(ElicitationRequestSchema, decline)
      );
      await Promise.race([list(mine), tooEarly.promise, closing.promise]);
      return mine;
    } catch (error) {
      isAbandoned = mine === undefined;
      await (mine?.close() ?? program?.close())?.catch(() => {});
      throw web?.refusal() ?? error;
    }
  }

  async function list(from: MCPClient): Promise<void> {
    const found: ListedTool[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < MAX_PAGES && found.length < MAX_TOOLS; page++) {
      const params = cursor === undefined ? {} : { params: { cursor } };
      const listed = await within(CONNECT_MS, schedule, from.listTools(params));
      found.push(...listed.tools);
      cursor = listed.nextCursor;
      if (cursor === undefined) break;
    }
    const next = definitionsOf(found, server.allow);
    const hashes = hashesOf(next);
    const isFirst = tools === undefined;
    if (tools && isUnchanged(changesOf(hashesOf(tools), hashes))) return;
    tellChanges(hashes);
    if (isFirst) log.info("An MCP server has listed its tools", { server: id, tools: next.length });
    tools = next;
    onTools();
  }

  /** Names tools that are described in another way than before, also before a restart. */
  function tellChanges(hashes: ToolHashes): void {
    const changes = seen.look(id, hashes);
    if (!changes || isUnchanged(changes)) return;
    log.warn("An MCP server has changed its tools", {
      server: id,
      changed: changes.changed.join(", "),
      added: changes.added.join(", "),
      removed: changes.removed.join(", "),
    });
  }

  function noteFailure(error: unknown): void {
    failures++;
    problem = error instanceof Error ? error.message : String(error);
    waitUntil = now() + Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** (failures - 1));
    log.warn("An MCP server is not available", { server: id, error });
  }

  function open(): Promise<MCPClient> {
    if (isClosed) return Promise.reject(new Error(`the MCP server ${id} is no longer configured`));
    if (client) return Promise.resolve(client);
    if (connecting) return connecting;
    if (now() < waitUntil) {
      const sec = Math.ceil((waitUntil - now()) / 1_000);
      return Promise.reject(
        new Error(`the MCP server ${id} is not available; it is tried again in ${sec} s`),
      );
    }
    return connecting = connect().then((opened) => {
      problem = undefined;
      return client = opened;
    }, (error: unknown) => {
      if (!isClosed) noteFailure(error);
      throw new Error(`the MCP server ${id} is not available`, { cause: error });
    }).finally(() => connecting = undefined);
  }

  /** Runs a request, and ends the connection some time after the last one. */
  async function using<Result>(run: (opened: MCPClient) => Promise<Result>): Promise<Result> {
    cancelIdle?.();
    running++;
    try {
      return await run(await open());
    } finally {
      running--;
      if (running === 0) cancelIdle = schedule(() => void disconnect(), IDLE_MS);
    }
  }

  async function disconnect(): Promise<void> {
    cancelIdle?.();
    const open = client;
    client = undefined;
    await open?.close().catch((error: unknown) =>
      log.debug("An MCP server cannot be disconnected", { server: id, error })
    );
  }

  return {
    tools: () => tools,
    problem: () => problem,
    async list() {
      if (tools || now() < waitUntil) return;
      await using(() => Promise.resolve()).catch(() => {}); // the log has it
    },
    async call(name, input, signal) {
      const result = await using(async (opened) => {
        const answer = await opened.callTool({ name, arguments: input, options: { signal } })
          .catch((error: unknown) => {
            signal.throwIfAborted();
            const asked = questions?.taken() ?? [];
            if (asked.length === 0) throw error;
            const why = error instanceof Error ? error.message : String(error);
            throw new Error([why, ...asked].join("\n"), { cause: error });
          });
        failures = 0;
        return answer;
      });
      const text = [resultText(result), ...questions?.taken() ?? []].join("\n");
      if (result.isError === true) throw new Error(text);
      return text;
    },
    async close() {
      isClosed = true;
      closing.reject(new Error("the server is no longer configured"));
      await connecting?.catch(() => {});
      await disconnect();
    },
  };
}

/** @throws {Error} If the promise is not settled in time. */
function within<Value>(ms: number, schedule: Schedule, promise: Promise<Value>): Promise<Value> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const cancel = schedule(() => reject(new Error(`no answer within ${ms / 1_000} s`)), ms);
  return Promise.race([promise, late]).finally(cancel);
}
