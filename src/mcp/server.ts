/**
 * One server of the Model Context Protocol: connects when it is first needed, disconnects when it is
 * idle, and waits after failures.
 *
 * @module
 */

import type { MCPClient } from "@ai-sdk/mcp";
import type { Log } from "../lib/log.ts";
import type { Schedule } from "../lib/schedule.ts";
import { resultText } from "./result_text.ts";
import { createStdioTransport, type StdioProgram } from "./stdio.ts";

/** A server, with its secrets. */
export interface McpServer {
  readonly id: string;
  readonly transport:
    | {
      readonly kind: "http";
      readonly url: string;
      readonly headers: Readonly<Record<string, string>>;
    }
    | ({ readonly kind: "stdio" } & StdioProgram);
  /** Tools to offer, by the server's names; all if absent. */
  readonly allow?: readonly string[];
}

/** A tool, as a server describes it. */
export interface McpToolDefinition {
  /** The server's name of it. */
  readonly name: string;
  readonly description: string;
  /** JSON Schema of its arguments. */
  readonly inputSchema: Readonly<Record<string, unknown>>;
  /** Whether the server says that a second call changes nothing more. */
  readonly isIdempotent: boolean;
}

/** The dependencies of a server. */
export interface McpPorts {
  /** Barnacle's version. */
  readonly version: string;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  readonly schedule: Schedule;
  readonly log: Log;
  /** The server has listed its tools, perhaps other ones than before. */
  readonly onTools: () => void;
}

/** A server that connects by itself. */
export interface McpConnection {
  /** The tools as last listed; `undefined` before the first time. */
  tools(): readonly McpToolDefinition[] | undefined;
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
/** Bounds of the list of tools. */
const MAX_TOOLS = 100;
const MAX_PAGES = 20;
const MAX_DESCRIPTION = 2_000;
const MAX_SCHEMA = 20_000;

/** Creates the connection. It does nothing before the first call. */
export function createMcpConnection(server: McpServer, ports: McpPorts): McpConnection {
  const { now, schedule, log, onTools } = ports;
  const { id } = server;
  let client: MCPClient | undefined;
  let connecting: Promise<MCPClient> | undefined;
  let tools: readonly McpToolDefinition[] | undefined;
  let failures = 0;
  let waitUntil = 0;
  let running = 0;
  let cancelIdle: (() => void) | undefined;
  let isClosed = false;
  const closing = Promise.withResolvers<never>();
  closing.promise.catch(() => {}); // perhaps no one waits for it

  async function connect(): Promise<MCPClient> {
    const { createMCPClient } = await import("@ai-sdk/mcp");
    let mine: MCPClient | undefined;
    const program = server.transport.kind === "stdio"
      ? createStdioTransport(server.transport, () => {
        if (client !== mine || !mine) return;
        client = undefined;
        noteFailure(new Error("the program has ended"));
      })
      : undefined;
    const opening = createMCPClient({
      transport: program ?? httpOf(server),
      clientName: "barnacle",
      version: ports.version,
      maxRetries: 0, // a call may not be one that can be repeated
      onUncaughtError: (error) =>
        log.debug("An MCP server reports an error", { server: id, error }),
    });
    let isAbandoned = false;
    opening.then((late) => isAbandoned ? late.close() : undefined).catch(() => {});
    try {
      mine = await Promise.race([within(CONNECT_MS, schedule, opening), closing.promise]);
      await Promise.race([list(mine), closing.promise]);
      return mine;
    } catch (error) {
      isAbandoned = mine === undefined;
      await (mine?.close() ?? program?.close())?.catch(() => {});
      throw error;
    }
  }

  async function list(from: MCPClient): Promise<void> {
    const found: McpToolDefinition[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < MAX_PAGES && found.length < MAX_TOOLS; page++) {
      const params = cursor === undefined ? {} : { params: { cursor } };
      const listed = await within(CONNECT_MS, schedule, from.listTools(params));
      found.push(...listed.tools.flatMap((tool) => definitionOf(tool, server) ?? []));
      cursor = listed.nextCursor;
      if (cursor === undefined) break;
    }
    const next = found.slice(0, MAX_TOOLS).toSorted((one, other) => one.name < other.name ? -1 : 1);
    if (tools && JSON.stringify(tools) === JSON.stringify(next)) return;
    if (tools) {
      const names = changedNames(tools, next);
      log.warn("An MCP server has changed its tools", { server: id, tools: names.join(", ") });
    } else log.info("An MCP server has listed its tools", { server: id, tools: next.length });
    tools = next;
    onTools();
  }

  function noteFailure(error: unknown): void {
    failures++;
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
    return connecting = connect().then((opened) => client = opened, (error: unknown) => {
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
    async list() {
      if (tools || now() < waitUntil) return;
      await using(() => Promise.resolve()).catch(() => {}); // the log has it
    },
    async call(name, input, signal) {
      const result = await using(async (opened) => {
        const answer = await opened.callTool({ name, arguments: input, options: { signal } })
          .catch((error: unknown) => {
            signal.throwIfAborted();
            throw error;
          });
        failures = 0;
        return answer;
      });
      const text = resultText(result);
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

function httpOf({ transport }: McpServer) {
  if (transport.kind !== "http") throw new TypeError("This server is a program");
  const { url, headers } = transport;
  return { type: "http", url, headers: { ...headers }, redirect: "error" } as const;
}

/** @returns `undefined` for a tool that is not allowed, or that no model could be told about. */
function definitionOf(
  { name, description = "", inputSchema, annotations }: {
    readonly name: string;
    readonly description?: string | undefined;
    readonly inputSchema: object;
    readonly annotations?: object | undefined;
  },
  { allow }: McpServer,
): McpToolDefinition | undefined {
  if (allow && !allow.includes(name)) return undefined;
  if (JSON.stringify(inputSchema).length > MAX_SCHEMA) return undefined;
  const { readOnlyHint, idempotentHint }: {
    readonly readOnlyHint?: unknown;
    readonly idempotentHint?: unknown;
  } = { ...annotations };
  return {
    name,
    description: description.slice(0, MAX_DESCRIPTION).toWellFormed(),
    inputSchema: { type: "object", ...inputSchema },
    isIdempotent: readOnlyHint === true || idempotentHint === true,
  };
}

/** Names of tools that are new, gone, or described in another way. */
function changedNames(
  before: readonly McpToolDefinition[],
  after: readonly McpToolDefinition[],
): readonly string[] {
  const textOf = (tools: readonly McpToolDefinition[], name: string) =>
    JSON.stringify(tools.find((tool) => tool.name === name));
  const names = new Set([...before, ...after].map(({ name }) => name));
  return [...names].filter((name) => textOf(before, name) !== textOf(after, name));
}

/** @throws {Error} If the promise is not settled in time. */
function within<Value>(ms: number, schedule: Schedule, promise: Promise<Value>): Promise<Value> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const cancel = schedule(() => reject(new Error(`no answer within ${ms / 1_000} s`)), ms);
  return Promise.race([promise, late]).finally(cancel);
}
