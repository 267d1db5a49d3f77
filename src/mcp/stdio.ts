/**
 * Runs a server of the Model Context Protocol as a program, and speaks with it over stdio.
 *
 * The program gets no variable of Barnacle's environment apart from a few without secrets. It has a
 * process group of its own, so that its children end with it.
 */

import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import type { MCPTransport } from "@ai-sdk/mcp";
import { codeOf } from "../lib/errors.ts";
import {
  askingOlder,
  createFloodCheck,
  idOf,
  MAX_IN_SECOND,
  readMessages,
  TOOLS_CHANGED,
} from "./reading.ts";
import { passedText } from "../lib/program_limits.ts";
import { type ConfinedLaunch, ProgramError, startFailure } from "./sandbox.ts";

/** Maximum UTF-16 units of one message. */
const MAX_MESSAGE = 8_000_000;

/** Milliseconds from the request to end until the program is killed. */
const GRACE_MS = 2_000;

/** Characters of the end of stderr that are kept. */
const SAID_CHARS = 2_000;

/** Milliseconds to wait for the end of a program that reads no more. */
const ENDING_MS = 1_000;

interface StdioTransport extends MCPTransport {
  /** The end of the text that the program has written to stderr. */
  readonly said: () => string;
}

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
): StdioTransport {
  let child: ChildProcess | undefined;
  let launched: ConfinedLaunch | undefined;
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

  const transport: StdioTransport = {
    said: () => said,
    async start() {
      const launch = await prepare();
      if (hasEnded) throw new Error("the program is not needed any more");
      launched = launch;
      const started = child = startProgram(launch);
      if (started.pid !== undefined) {
        launch.bound.watch(started.pid, (limit) => stop(passedText(limit, launch.limits)));
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
    launched?.bound.close();
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
