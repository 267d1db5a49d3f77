/**
 * One server of the Model Context Protocol: connects when it is asked to, disconnects when it is idle,
 * and waits after failures.
 */

import type { CallToolResult, MCPClient } from "@ai-sdk/mcp";
import { Buffer } from "node:buffer";
import { cutText, type McpServerState } from "../core/mcp_state.ts";
import { FileError } from "../core/turn/media.ts";
import { type ToolContext, UnknownOutcomeError } from "../core/turn/tool.ts";
import type { Timers } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import { isRecord, withoutControls } from "../lib/text/quoted.ts";
import { createRedactor } from "../lib/text/redactor.ts";
import { sizeOf } from "../lib/text/units.ts";
import { isAnswer, mayHaveRun } from "./reading.ts";
import {
  changesOf,
  hashesOf,
  inTimeOrFail,
  isUnchanged,
  listTools,
  type McpToolDefinition,
  type SeenTools,
  type ToolHashes,
} from "./definitions.ts";
import {
  createHttpTransport,
  createStdioTransport,
  type HttpTransport,
  LostSessionError,
} from "./http.ts";
import type { Logins, McpHttpServer } from "./oauth/provider.ts";
import { createLoginOf, SignInNeededError } from "./oauth/provider.ts";
import type { Confine, StdioProgram } from "./sandbox.ts";

/** Maximum UTF-16 units of a result; the model sees less (T1). */
const MAX_CHARS = 200_000;
/** Maximum UTF-16 units of a name, a type or an address in a line of ours. */
const MAX_NAME = 300;

const NOTHING = "The tool returned nothing.";

/**
 * Writes a result. Links to resources, sounds and other files are named.
 *
 * @param showImage Shows an image to the model; absent: images are only named.
 */
export async function resultText(
  result: unknown,
  showImage?: ToolContext["showImage"],
): Promise<string> {
  const { content, structuredContent, toolResult, isError: _, _meta, resultType: __, ...own } =
    !isRecord(result) ? { content: result } : result;
  const bare = content === undefined && Object.keys(own).length > 0 ? own : undefined;
  const parts: string[] = [];
  for (const part of content === undefined || content === null ? [] : [content].flat()) {
    const written = await partText(typeof part === "string" ? { text: part } : part, showImage);
    parts.push(written ?? "[a part of the result is not readable]");
  }
  const text = parts.some((part) => part !== "")
    ? parts.filter((part) => part !== "").join("\n\n")
    : JSON.stringify(structuredContent ?? toolResult ?? bare) ?? NOTHING;
  return text.slice(0, MAX_CHARS).toWellFormed();
}

/** @returns `undefined` if the part cannot be read. */
async function partText(
  part: unknown,
  showImage: ToolContext["showImage"],
): Promise<string | undefined> {
  if (!isRecord(part)) return undefined;
  const { type, text, data, mimeType, resource, uri, name, description } = part;
  switch (type ?? "text") {
    case "text":
      return typeof text === "string" ? text : undefined;
    case "image":
      if (typeof data !== "string") return undefined;
      return await fileText("image", mimeType, data, showImage);
    case "resource": {
      if (!isRecord(resource)) return undefined;
      const what = named("resource", resource["uri"]);
      return typeof resource["text"] === "string"
        ? `[${what}]\n${resource["text"]}`
        : await fileText(what, resource["mimeType"], resource["blob"], showImage);
    }
    case "resource_link": {
      const about = typeof description === "string" ? `: ${short(description)}` : "";
      return `[link to the ${named("resource", name, uri, mimeType)}${about}; not read]`;
    }
    default:
      return await fileText(named(type), mimeType, data);
  }
}

/** Names a file of a result, with its type and size, and shows it if it is an image. */
async function fileText(
  what: string,
  mimeType: unknown,
  base64: unknown,
  showImage?: ToolContext["showImage"],
): Promise<string> {
  const [start = "", own] = /^data:([^;,]*)[^,]*,/.exec(typeof base64 === "string" ? base64 : "") ??
    [];
  const type = mimeType ?? own;
  const bytes = typeof base64 === "string"
    ? Buffer.from(base64.slice(start.length), "base64") // it skips line breaks
    : undefined;
  const name = `${named(what, type)}${bytes ? `, ${sizeOf(bytes.length)}` : ""}`;
  const isImage = what === "image" || typeof type === "string" && type.startsWith("image/");
  if (!bytes || !isImage) return `[${name}: not shown: only text and images are]`;
  if (!showImage) return `[${name}: not shown]`;
  try {
    const { name: imageName, unseen } = await showImage(new Uint8Array(bytes));
    const seen = unseen === undefined ? "shown after the results" : `not shown: ${unseen}`;
    return `[${name}, image:${imageName}: ${seen}]`;
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    return `[${name}: not shown: ${error.message}]`;
  }
}

/** The words that a server has given, each bounded. */
function named(...words: readonly unknown[]): string {
  return words.flatMap((word) => typeof word === "string" && word !== "" ? [short(word)] : [])
    .join(" ");
}

function short(word: string): string {
  return word.slice(0, MAX_NAME).toWellFormed();
}

export interface McpServer {
  readonly id: string;
  readonly transport:
    | ({ readonly kind: "http" } & McpHttpServer)
    | ({ readonly kind: "stdio" } & StdioProgram);
  /** Tools to offer, by the server's names; all if absent. */
  readonly allow?: readonly string[];
  /** Who may see what its tools change (T4); absent: everyone. */
  readonly seenBy?: "everyone" | "nobody";
}

export interface McpHost extends Timers {
  readonly version: string;
  readonly confine: Confine;
  readonly logins: Logins;
  /** Whether the logins are those of one person, whose accounts the servers show (T13a). */
  readonly isOwn?: true;
  /** Remembers descriptions over a restart. */
  readonly seen: Pick<SeenTools, "look">;
  readonly log: Log;
  /**
   * A server wants a sign-in; called until it tells the owners, then not before the next one, also
   * over a restart.
   *
   * @returns Whether it tells them: an account must run.
   */
  readonly onSignIn?: (serverId: string) => boolean;
}

const CONNECT_MS = 20_000;
const IDLE_MS = 10 * 60_000;
/** Milliseconds to wait after the first failure; doubled with each further one. */
const FIRST_WAIT_MS = 1_000;
const MAX_WAIT_MS = 5 * 60_000;

/** Milliseconds after a list of tools until the server's changes count again. */
const LIST_AGAIN_MS = 5_000;
/** Attempts after a failed one that nothing asks for: a server may start later than the bot. */
const EARLY_ATTEMPTS = 5;
/** Lines of a program's stderr to show, and characters of one. */
const SAID_LINES = 5;
const SAID_CHARS = 200;

/** Removes the values of a program's variables from its words, and control characters. */
function saidCleaner(transport: McpServer["transport"]): (text: string) => string {
  const redactor = createRedactor();
  if (transport.kind === "stdio") Object.values(transport.env).forEach(redactor.add);
  return (text) => withoutControls(redactor.clean(text));
}

/** @param onTools The server has listed its tools, perhaps other ones; or it begins to connect. */
export function createMcpConnection(server: McpServer, host: McpHost, onTools = () => {}) {
  const { now, schedule, seen, confine, version } = host;
  const { id, transport } = server;
  const login = createLoginOf(id, transport.kind === "http" ? transport : undefined, host);
  const { log } = login; // its lines have no token
  let web: HttpTransport | undefined;
  let client: MCPClient | undefined;
  let connecting: Promise<MCPClient> | undefined;
  let tools: readonly McpToolDefinition[] | undefined;
  let cut: readonly string[] = [];
  let failures = 0;
  let waitUntil = 0;
  let problem: Error | undefined;
  let said: () => string = () => "";
  /** Of the program whose attempt failed last: the next one may have written nothing yet. */
  let failedSaid = said;
  const cleanSaid = saidCleaner(transport);
  let cancelListing: (() => void) | undefined;
  let listedAt = -Infinity;
  let failedLogin: number | undefined;
  let cancelEarly: (() => void) | undefined;
  let running = 0;
  /** Clients that calls still use, and that get no more. */
  const retired: MCPClient[] = [];
  let cancelIdle: (() => void) | undefined;
  let isClosed = false;
  const closing = Promise.withResolvers<never>();
  closing.promise.catch(() => {}); // perhaps no one waits for it

  async function connect(): Promise<MCPClient> {
    const { createMCPClient } = await import("@ai-sdk/mcp");
    let mine: MCPClient | undefined;
    const early = Promise.withResolvers<never>();
    const orEnd = <Value>(it: Promise<Value>) => Promise.race([it, early.promise, closing.promise]);
    const oauth = login.provider();
    web = transport.kind === "http"
      ? createHttpTransport(id, transport, schedule, oauth?.provider, () => toolsChanged())
      : undefined;
    const program = transport.kind === "stdio"
      ? createStdioTransport(() => confine(id, transport), (ended) => {
        early.reject(ended);
        if (client !== mine || !mine) return;
        client = undefined;
        noteFailure(ended);
      }, () => toolsChanged())
      : undefined;
    said = program?.said ?? said;
    const to = program ?? web?.transport;
    if (!to) throw new TypeError("a server is a program or an address");
    const opening = createMCPClient({
      transport: to,
      clientName: "barnacle",
      version,
      maxRetries: 0, // a call may not be one that can be repeated
      onUncaughtError: (error) =>
        log.debug("An MCP server reports an error", { server: id, error }),
    });
    let isAbandoned = false;
    opening.then((late) => isAbandoned ? late.close() : undefined).catch(() => {});
    try {
      mine = await orEnd(inTimeOrFail(opening, CONNECT_MS, schedule));
      await orEnd(list(mine));
      return mine;
    } catch (error) {
      isAbandoned = mine === undefined;
      await (mine?.close() ?? program?.close())?.catch(() => {});
      const refusal = web?.refusal();
      if (error instanceof SignInNeededError) login.want(error.challenge.scope);
      throw refusal ? login.failureOf(refusal) : await web?.oldTransport() ?? error;
    }
  }

  /** Lists the tools again, as the server says that it has others now: at most once in a while. */
  function toolsChanged(): void {
    if (!client || cancelListing) return; // a new connection lists them anyway
    const from = client;
    cancelListing = schedule(() => {
      cancelListing = undefined;
      if (client !== from) return;
      list(from).catch((error: unknown) => {
        if (!(error instanceof LostSessionError)) throw error;
        retire(from);
        return using(() => Promise.resolve()); // a new session lists them
      }).catch((error: unknown) =>
        log.warn("An MCP server has other tools now, and does not list them", { server: id, error })
      );
    }, Math.max(0, listedAt + LIST_AGAIN_MS - now()));
  }

  function saidLines(): readonly string[] {
    return cleanSaid(failedSaid()).split("\n").map((line) => line.trim())
      .filter((line) => line !== "").slice(-SAID_LINES).map((line) => line.slice(0, SAID_CHARS));
  }

  async function list(from: MCPClient): Promise<void> {
    listedAt = now();
    const listed = await listTools(from, id, server.allow, CONNECT_MS, schedule);
    const { tools: next, cut: nextCut } = login.cleanAll(listed);
    if (nextCut.length > 0 && nextCut.join() !== cut.join()) {
      log.warn("An MCP server has tools that do not fit", { server: id, cut: cutText(nextCut) });
    }
    cut = nextCut;
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
    failedSaid = said;
    problem = error instanceof Error ? error : new Error(String(error));
    failedLogin = login.signedInAt();
    waitUntil = now() + Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** (failures - 1));
    const mayPass = !tools && failures <= EARLY_ATTEMPTS;
    const lines = saidLines();
    const last = lines.length > 0 ? lines.join("\n") : undefined;
    const isTold = failures > 1 && mayPass; // the first line says it, and the last one
    log[isTold ? "debug" : "warn"]("An MCP server is not available", {
      server: id,
      error,
      said: last,
    });
    if (error instanceof SignInNeededError && login.tell() || !mayPass) return;
    cancelEarly?.();
    cancelEarly = schedule(() => {
      waitUntil = 0; // a timer may be a little early
      void listAll();
    }, waitUntil - now());
  }

  async function listAll(): Promise<void> {
    if (tools || isClosed || mustWait()) return;
    await using(() => Promise.resolve()).catch(() => {}); // the log has it
  }

  function open(): Promise<MCPClient> {
    if (isClosed) return Promise.reject(new Error(`the MCP server ${id} is no longer configured`));
    if (client) return Promise.resolve(client);
    if (connecting) return connecting;
    if (mustWait()) {
      const sec = Math.ceil((waitUntil - now()) / 1_000);
      const why = problem instanceof SignInNeededError
        ? problem.message
        : `it is tried again in ${sec} s`;
      return Promise.reject(new Error(`the MCP server ${id} is not available; ${why}`));
    }
    connecting = connect().then((opened) => {
      problem = undefined;
      return client = opened;
    }, (error: unknown) => {
      if (!isClosed) noteFailure(error);
      const why = error instanceof SignInNeededError ? `; ${error.message}` : "";
      throw new Error(`the MCP server ${id} is not available${why}`, { cause: error });
    }).finally(() => connecting = undefined);
    if (!tools) onTools(); // until it lists them, the model may wait for them
    return connecting;
  }

  /** A new login ends the wait after a failure. */
  function mustWait(): boolean {
    return now() < waitUntil && failedLogin === login.signedInAt();
  }

  /** Runs a request, and ends the connection some time after the last one. */
  async function using<Result>(run: (opened: MCPClient) => Promise<Result>): Promise<Result> {
    cancelIdle?.();
    running++;
    try {
      return await run(await open());
    } finally {
      running--;
      if (running === 0) {
        void end(retired.splice(0));
        if (!isClosed) cancelIdle = schedule(() => void disconnect(), IDLE_MS);
      }
    }
  }

  async function disconnect(): Promise<void> {
    cancelIdle?.();
    cancelListing?.();
    cancelListing = undefined;
    const open = client ? [client] : [];
    client = undefined;
    await end([...open, ...retired.splice(0)]);
  }

  async function end(clients: readonly MCPClient[]): Promise<void> {
    await Promise.all(
      clients.map((one) =>
        one.close().catch((error: unknown) =>
          log.debug("An MCP server cannot be disconnected", { server: id, error })
        )
      ),
    );
  }

  /** The next call connects anew; other calls of this client end first. */
  function retire(opened: MCPClient): void {
    if (client === opened) client = undefined;
    if (!retired.includes(opened)) retired.push(opened);
  }

  function callFailure(given: unknown, opened: MCPClient): Error {
    const cause = given instanceof Error ? given.cause : undefined; // the library may wrap it
    const error = cause instanceof SignInNeededError ? cause : given;
    if (error instanceof SignInNeededError && error.challenge.isScopeMissing) {
      login.want(error.challenge.scope); // the server's other tools go on
      login.tell();
      return new Error(`the MCP server ${id}: ${error.message}`, { cause: error });
    }
    const refusal = isAnswer(error) ? undefined : web?.refusal();
    if (!isAnswer(error)) retire(opened);
    const told = refusal && login.failureOf(refusal);
    if (told instanceof SignInNeededError) noteFailure(told);
    if (told) return new Error(`the MCP server ${id}: ${told.message}`, { cause: error });
    const words = error instanceof Error ? error.message : String(error);
    const why = login.clean(words);
    const what = `the MCP server ${id}`;
    const lost = isAnswer(error) ? what : `the connection to ${what} was lost`;
    return mayHaveRun(error)
      ? new UnknownOutcomeError(`${lost}: ${why}`, { cause: error })
      : new Error(why, { cause: error });
  }

  /** @param mayReconnect Whether to call again if the server has forgotten the session. */
  function callOnce(
    name: string,
    input: Record<string, unknown>,
    signal: AbortSignal,
    mayReconnect: boolean,
  ): Promise<CallToolResult> {
    return using(async (opened) => {
      try {
        return await opened.callTool({ name, arguments: input, options: { signal } });
      } catch (error) {
        signal.throwIfAborted();
        if (!mayReconnect || !(error instanceof LostSessionError)) throw callFailure(error, opened);
        retire(opened);
        return await callOnce(name, input, signal, false);
      }
    });
  }

  return {
    /** The tools as last listed; `undefined` before the first time. */
    tools: (): readonly McpToolDefinition[] | undefined => tools,
    /** The last failure; `undefined` if there was none. */
    problem: (): Error | undefined => problem,
    /** When the operator signed in; `undefined` without a login. */
    signedInAt: login.signedInAt,
    state(): McpServerState {
      // Also while the next attempt runs: else health would pass again with each of them.
      const isFailing = !client && problem !== undefined;
      const isConnecting = connecting !== undefined || tools === undefined;
      return {
        id,
        state: isFailing ? "failing" : isConnecting ? "connecting" : "ready",
        tools: tools?.length ?? 0,
        ...(cut.length > 0 && { cut }),
        problem: isFailing ? login.clean(problem?.message ?? "") : undefined,
        said: isFailing ? saidLines() : [],
      };
    },
    /** Lists the tools if that has not been done, and does not wait for a server that failed. */
    list: listAll,
    /**
     * Calls a tool. The result is a function that writes it for the model, and shows its images; it
     * rejects if the tool failed, with its words.
     *
     * @throws {Error} If the server cannot be reached or refuses, with the reason. An
     * `UnknownOutcomeError` if the connection was lost during the call.
     */
    async call(name: string, input: Record<string, unknown>, signal: AbortSignal) {
      const result = await callOnce(name, input, signal, true);
      failures = 0;
      const given: unknown = Reflect.get(result, "toolResult"); // as the server sent it
      return async (showImage?: ToolContext["showImage"]): Promise<string> => {
        const text = login.clean(await resultText(given, showImage));
        if (isRecord(given) && given["isError"] === true) throw new Error(text);
        return text;
      };
    },
    /** Ends it, and resolves once nothing runs. */
    async close(): Promise<void> {
      isClosed = true;
      cancelEarly?.();
      closing.reject(new Error("the server is no longer configured"));
      await connecting?.catch(() => {});
      await disconnect();
    },
  };
}

export type McpConnection = ReturnType<typeof createMcpConnection>;
