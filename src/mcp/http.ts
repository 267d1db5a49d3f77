/**
 * Reaches servers of the Model Context Protocol over HTTP and stdio, and says in words if one wants a
 * sign-in.
 *
 * The program of a server gets no variable of Barnacle's environment apart from a few without secrets.
 * It has a process group of its own, so that its children end with it.
 */

import process from "node:process";
import type { MCPTransport, OAuthClientProvider } from "@ai-sdk/mcp";
import { type ChildProcess, spawn } from "node:child_process";
import { type StartTimer, waitFor } from "../lib/clock.ts";
import { codeOf } from "../lib/errors.ts";
import { abortableResponse, fetchPlain } from "../lib/network/fetch_plain.ts";
import { passedText } from "../lib/program_limits.ts";
import { isRecord, parseForeignJson } from "../lib/text/quoted.ts";
import {
  type Challenge,
  hasOwnToken,
  type McpHttpServer,
  readChallenge,
  SignInNeededError,
} from "./oauth/provider.ts";
import {
  type Asked,
  askingOlder,
  createFloodCheck,
  idOf,
  isEventStream,
  MAX_IN_SECOND,
  readMessages,
  textOf,
  TOOLS_CHANGED,
  unread,
  withAnswer,
} from "./reading.ts";
import { type ConfinedLaunch, ProgramError, startFailure } from "./sandbox.ts";

const MAX_MESSAGE = 8_000_000;

/** Milliseconds from the request to end until the program is killed. */
const GRACE_MS = 2_000;

/** Characters of the end of stderr that are kept. */
const SAID_CHARS = 2_000;

/** Milliseconds to wait for the end of a program that reads no more. */
const ENDING_MS = 1_000;

/**
 * Creates the transport.
 *
 * @param prepare Says how to start the program. If it rejects, the program does not start.
 * @param onEnd Called once, when the program ends by itself or is killed, and before waiting requests
 * fail. The error says how it ended. After `close()`, it is not called.
 * @param onToolsChanged The program says that it has other tools now.
 */
export function createStdioTransport(
  prepare: () => Promise<ConfinedLaunch>,
  onEnd: (ended: ProgramError) => void,
  onToolsChanged: () => void = () => {},
): MCPTransport & { readonly said: () => string } {
  let child: ChildProcess | undefined;
  let launched: ConfinedLaunch | undefined;
  let unwatch = () => {};
  let unread = "";
  let said = "";
  let hasEnded = false;
  let isClosing = false;
  const waiting = new Map<number, string>();
  let first = "";
  const isFlood = createFloodCheck(() => performance.now());

  function read(text: string): void {
    if (hasEnded) return; // a killed program may have left much
    unread += text;
    const lines = unread.split("\n");
    unread = lines.pop() ?? "";
    if (unread.length > MAX_MESSAGE) return stop("it sent a message that is too long");
    if (isFlood(lines.length)) return stop(`it sent more than ${MAX_IN_SECOND} lines in a second`);
    for (const line of lines) {
      if (line.trim() === "") continue;
      try {
        const messages = readMessages(line, waiting);
        // Some programs write lines of their log to stdout.
        if (messages.length === 0) throw new Error(`no message of JSON-RPC: ${line.slice(0, 200)}`);
        for (const message of messages) {
          const id = "method" in message ? undefined : idOf(message) ?? -1;
          const isFirst = id !== undefined && waiting.get(id) === "initialize";
          const older = isFirst && askingOlder(first, JSON.stringify(message), true);
          if (id !== undefined) waiting.delete(id);
          if (older) transport.send(older).catch(() => {}); // the program ends, and `onEnd` tells
          else if ("method" in message && message.method === TOOLS_CHANGED) onToolsChanged();
          else transport.onmessage?.(message);
        }
      } catch (error) {
        transport.onerror?.(error instanceof Error ? error : new Error(String(error)));
      }
    }
  }

  const transport: ReturnType<typeof createStdioTransport> = {
    said: () => said,
    async start() {
      const launch = await prepare();
      if (hasEnded) throw new Error("the program is not needed any more");
      launched = launch;
      const started = child = startProgram(launch);
      if (started.pid !== undefined) {
        unwatch = launch.watch(
          started.pid,
          (limit) => stop(passedText(limit, launch.limits)),
        );
      }
      await new Promise<void>((resolve, reject) => {
        started.on("spawn", () => resolve());
        started.on("error", (error) => {
          const failure = startFailure(launch.program, codeOf(error));
          reject(failure);
          end(failure);
        });
        started.on("close", (code, signal) => {
          end(ended(`the program has ended (${signal ?? `exit code ${code}`})`));
        });
        started.stdin.on("error", () => {}); // it has ended; `close` tells
        started.stdout.setEncoding("utf8");
        started.stdout.on("data", read);
        started.stderr.setEncoding("utf8");
        started.stderr.on("data", (text: string) => said = (said + text).slice(-SAID_CHARS));
      });
    },
    send: (message) =>
      new Promise((resolve, reject) => {
        const stdin = child?.stdin;
        if (!stdin || hasEnded) return reject(new Error("the program has ended"));
        const { id, method } = { id: undefined, method: undefined, ...message };
        if (typeof id === "number" && method !== undefined) waiting.set(id, method);
        const text = JSON.stringify(message);
        if (method === "initialize") first = text;
        stdin.write(`${text}\n`, (error) => {
          if (!error) return resolve();
          if (hasEnded) return reject(error);
          // A broken pipe is the beginning of its end, and `onEnd` knows more.
          const late = setTimeout(() => reject(error), ENDING_MS);
          child?.once("close", () => {
            clearTimeout(late);
            reject(error);
          });
        });
      }),
    async close() {
      isClosing = true;
      if (!child) hasEnded = true; // it is not started any more
      if (!child || hasEnded) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      child.once("close", () => resolve());
      child.stdin?.end();
      signalTo(child, "SIGTERM");
      const late = setTimeout(() => signalTo(child, "SIGKILL"), GRACE_MS);
      await promise;
      clearTimeout(late);
      signalTo(child, "SIGKILL"); // children that outlived it
    },
  };

  /** Ends a program that would take memory or the main thread from the bot. */
  function stop(why: string): void {
    unread = "";
    end(ended(`the program was killed: ${why}`));
  }

  function ended(message: string): ProgramError {
    return new ProgramError(message, { kind: "ended", path: launched?.program ?? "" });
  }

  function end(how: ProgramError): void {
    if (hasEnded) return;
    hasEnded = true;
    signalTo(child, "SIGKILL");
    unwatch();
    if (!isClosing) onEnd(how);
    transport.onclose?.();
  }

  return transport;
}

function startProgram({ command, args, env, cwd, program }: ConfinedLaunch) {
  try {
    return spawn(command, [...args], {
      cwd,
      env,
      stdio: ["pipe", "pipe", "pipe"],
      detached: process.platform !== "win32", // a process group of its own
      windowsHide: true,
    });
  } catch (error) {
    throw startFailure(program, codeOf(error)); // Bun throws for a file that is no program
  }
}

/** Sends a signal to a program and its children. */
function signalTo(child: ChildProcess | undefined, signal: "SIGTERM" | "SIGKILL"): void {
  if (child?.pid === undefined) return;
  try {
    process.kill(process.platform === "win32" ? child.pid : -child.pid, signal);
  } catch {
    // The group has ended.
  }
}

/** Milliseconds for the first event of the old transport. */
const OLD_MS = 5_000;
/** Milliseconds for `server/discover`: older servers do not know it, and some say nothing. */
const DISCOVER_MS = 5_000;
const EVENTS = "text/event-stream";
const MAX_WORDS = 300;

/** A server refuses a request of a session, and does not answer it: it no longer knows the session. */
export class LostSessionError extends Error {
  override readonly name = "LostSessionError";
  /** The HTTP status of the refusal. */
  readonly statusCode: number;

  constructor(statusCode: number, text: string) {
    super(`the server refuses its session (HTTP ${statusCode}): ${text.slice(0, MAX_WORDS)}`);
    this.statusCode = statusCode;
  }
}

/**
 * Creates the connection.
 *
 * @param provider The login; absent if there is none.
 * @param onToolsChanged The server says that it has other tools now.
 */
export function createHttpTransport(
  serverId: string,
  server: McpHttpServer,
  schedule: StartTimer,
  provider?: OAuthClientProvider,
  onToolsChanged?: () => void,
) {
  const { url, headers } = server;
  let refused: Error | undefined;
  /** The headers of a first request that the server does not know; absent: it does. */
  let unknown: HeadersInit | undefined;
  let fetchOAuth: typeof fetch | undefined;
  async function exchange(
    input: RequestInfo | URL,
    init: RequestInit | undefined,
    asked: Asked | undefined,
  ): Promise<Response> {
    const response = await fetchPlain(globalThis.fetch, input, sentOnce(init));
    const { status } = response;
    const isInSession = new Headers(init?.headers).has("mcp-session-id");
    if (init?.method === "POST") {
      unknown = !isInSession && [400, 404, 405].includes(status) ? init.headers : undefined;
      refused = response.ok ? undefined : refused;
      if (status === 401 || status === 403) {
        const challenge = readChallenge(response.headers.get("www-authenticate"));
        const refusal = refusalOf(serverId, server, status, challenge, provider !== undefined);
        if (challenge.isScopeMissing && refusal instanceof SignInNeededError) {
          await response.body?.cancel();
          throw refusal; // it concerns this request alone
        }
        refused = refusal;
      }
    }
    const abortable = (it: Response) => init?.signal ? abortableResponse(it, init.signal) : it;
    if (isInSession && asked && [400, 404, 503].includes(status)) {
      const text = await textOf(abortable(response));
      const isAnswered = status !== 404 && idOf(parseForeignJson(text)) === asked.id;
      if (!isAnswered) throw new LostSessionError(status, text);
      return await withAnswer(new Response(text, response), asked);
    }
    return await withAnswer(abortable(response), asked, onToolsChanged, async (lastEventId, ms) => {
      const signal = init?.signal ?? new AbortController().signal;
      if (!signal.aborted) await waitFor(ms, schedule, signal);
      const more = await openStream(url, { ...init }, { "last-event-id": lastEventId });
      return more && abortable(more).body;
    });
  }

  async function discover(input: RequestInfo | URL, init: RequestInit = {}, asked: Asked) {
    const late = new AbortController();
    const cancel = schedule(() => late.abort(), DISCOVER_MS);
    const signal = AbortSignal.any([late.signal, ...init.signal ? [init.signal] : []]);
    try {
      return await exchange(input, { ...init, signal }, asked);
    } catch (error) {
      if (!late.signal.aborted) throw error;
      return Response.json(unread(asked.id, "there is none in time")); // `initialize` is next
    } finally {
      cancel();
    }
  }

  return {
    transport: {
      type: "http" as const,
      url,
      headers: { ...headers },
      redirect: "error" as const,
      authProvider: provider,
      async fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
        const address = input instanceof Request ? input.url : String(input);
        // The library uses the same function to refresh tokens.
        if (address !== new URL(url).href) {
          fetchOAuth ??= (await import("./oauth/fetch.ts")).createOAuthFetch(url);
          return await fetchOAuth(input, init);
        }
        const asked = askedBy(init?.body);
        if (asked?.method === "server/discover") return await discover(input, init, asked);
        const answer = await exchange(input, init, asked);
        const isFirst = asked?.method === "initialize" && (answer.ok || answer.status === 400);
        const older = isFirst && askingOlder(init?.body, await answer.clone().text(), false);
        if (!older) return answer;
        const headers = new Headers(init?.headers);
        headers.set("mcp-protocol-version", String(older.params?.["protocolVersion"]));
        return await exchange(input, { ...init, headers, body: JSON.stringify(older) }, asked);
      },
    },
    /** The server's refusal of the last request; `undefined` if it refused none. */
    refusal: () => refused,
    /** Why a server that takes no message may be one of the transport before; resolves to an error. */
    async oldTransport() {
      if (!unknown) return undefined;
      try {
        const signal = AbortSignal.timeout(OLD_MS);
        const stream = await openStream(url, { headers: unknown, redirect: "error", signal });
        const reader = stream && abortableResponse(stream, signal).body?.getReader();
        const { value } = await reader?.read() ?? {};
        await reader?.cancel();
        return /^event: ?endpoint\b/m.test(new TextDecoder().decode(value)) ? OLD : undefined;
      } catch {
        return undefined; // it is no server of that kind
      }
    },
  };
}

export type HttpTransport = ReturnType<typeof createHttpTransport>;

const OLD = new Error(
  "the server speaks only the old SSE transport of MCP; Barnacle needs Streamable HTTP: write that " +
    "address of the server, often with /mcp in place of /sse, or run a bridge as a program",
);

/** Asks for a stream with the headers of a request before; `undefined` if the server gives none. */
async function openStream(
  url: string,
  { headers: before, signal, redirect }: RequestInit,
  fields: Readonly<Record<string, string>> = {},
): Promise<Response | undefined> {
  const headers = new Headers(before);
  headers.delete("content-type");
  for (const [name, value] of Object.entries({ ...fields, accept: EVENTS })) {
    headers.set(name, value);
  }
  const response = await fetchPlain(fetch, url, { method: "GET", headers, signal, redirect });
  if (response.ok && isEventStream(response)) return response;
  await response.body?.cancel();
  return undefined;
}

/**
 * Deno sends a request again if the server closes a used connection before it answers. A body that
 * can be read only once prevents that. Bun, which has no such repetition, needs nothing.
 */
function sentOnce(init: RequestInit | undefined): RequestInit | undefined {
  if (!process.versions.deno || typeof init?.body !== "string") return init;
  return { ...init, body: new Blob([init.body]).stream() };
}

/** A JSON-RPC request; `undefined` for a notification, or a request without a body. */
function askedBy(body: unknown): Asked | undefined {
  if (typeof body !== "string") return undefined;
  const message: unknown = JSON.parse(body);
  if (!isRecord(message)) return undefined;
  const { id, method } = message;
  return typeof method === "string" && typeof id === "number" ? { id, method } : undefined;
}

function refusalOf(
  serverId: string,
  server: McpHttpServer,
  status: number,
  challenge: Challenge,
  hasLogin: boolean,
): Error {
  const says = `the server refuses Barnacle (HTTP ${status}): `;
  const key = `mcp.servers.${serverId}.headers.authorization`;
  const { scope, isScopeMissing, metadata } = challenge;
  const more = isScopeMissing && `this needs ${scope ? `the scopes "${scope}"` : "more scopes"}`;
  if (hasOwnToken(server)) {
    return new Error(`${says}${more ? `${more}; ` : ""}put a valid token into ${key}`);
  }
  if (!metadata && scope === undefined && !isScopeMissing && !hasLogin && status !== 401) {
    return new Error(`${says}no access; put a token of the server into ${key}`);
  }
  const fixed = more && server.oauth?.scope !== undefined
    ? `add them to mcp.servers.${serverId}.oauth.scope; then, `
    : "";
  const why = more || (hasLogin ? "it takes the login no more" : "it wants a sign-in");
  if (server.isEach) {
    return new SignInNeededError(`${says}${why}; call mcp__${serverId}__sign_in`, challenge);
  }
  return new SignInNeededError(
    `${says}${why}; ${fixed}on Barnacle's machine, run \`barnacle mcp login ${serverId}\`, or put a ` +
      `token of the server into ${key}`,
    challenge,
  );
}
