/**
 * The socket on which a bot takes requests of commands, such as `barnacle pause`.
 *
 * It is a path in a folder of mode 0700 in the data directory. So only the bot's user and root
 * reach it, and sandboxes hide it. On Windows, a named pipe takes its place.
 *
 * The bot greets each connection first. A command sends its request only after that, so a bot that
 * hangs gets no request that it would carry out later, when the command has given up. A request is
 * a line with the lengths of its frames, then the frames: a text, and files. The answer is one
 * line.
 *
 * Every user sees the names of pipes, and can listen on the same name. So the name is a random one
 * of each start, and the bot's greeting has a secret. Both are in a file of the data directory,
 * whose access list keeps other users out. By default, Windows lets only the bot's own user and
 * administrators write to its pipe.
 */

import process from "node:process";
import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  lstatSync,
  mkdirSync,
  openSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createConnection, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { z } from "zod";
import { codeOf, PathError } from "../lib/errors.ts";
import { readBounded } from "./files/read_bounded.ts";

const pipeSchema = z.object({
  path: z.string().regex(/^\\\\\.\\pipe\\barnacle-[0-9a-f]{32}$/),
  secret: z.string().regex(/^[0-9a-f]{32}$/),
});

export interface BotPipe {
  /** The bot's pipe, on this machine only. */
  readonly path: string;
  readonly secret: string;
}

const BYTES = 16;

/** Bound of the file, which has some hundred bytes. */
const BOUND = { maxBytes: 4_096 };

export function createBotPipe(): BotPipe {
  const random = () => randomBytes(BYTES).toString("hex");
  return { path: `\\\\.\\pipe\\barnacle-${random()}`, secret: random() };
}

/**
 * Reads the file that a bot has written.
 *
 * @returns `undefined` if there is none, if it is being written, or if it names another machine.
 */
export function readBotPipe(file: string): BotPipe | undefined {
  try {
    return pipeSchema.safeParse(JSON.parse(readBounded(file, BOUND))).data;
  } catch {
    return undefined;
  }
}

export interface SocketRequest {
  readonly text: string;
  readonly files: readonly Uint8Array<ArrayBuffer>[];
}

export type SocketHandler = (request: SocketRequest) => Promise<string>;

/**
 * The result of a request.
 *
 * - `absent`: no process listens.
 * - `silent`: a process listens, but it has not greeted in time.
 * - `other`: a process of another version listens.
 * - `lost`: the request was sent, and no answer has come. The bot may have carried it out.
 *
 * The bot has got a request only if it is `answered` or `lost`.
 */
export type RequestResult =
  | { readonly kind: "answered"; readonly text: string }
  | { readonly kind: "absent" | "silent" | "other" | "lost" };

/**
 * The socket cannot be used; the message says what to do.
 *
 * - `not_private`: the folder is not only this user's.
 * - `too_long`: the path does not fit into an address.
 * - `unusable`: the system refuses the socket.
 */
export class BotSocketError extends PathError<"not_private" | "too_long" | "unusable"> {
  override readonly name = "BotSocketError";
}

/** Milliseconds within which a bot that does not hang greets a command. */
export const GREETING_MS = 2_000;

const REQUEST_MS = 30_000;
/** Milliseconds that running requests get at the end of the bot. */
const CLOSE_MS = 2_000;

/** Requests that are carried out at once. Further commands wait for their greeting. */
const MAX_BUSY = 2;
const MAX_CONNECTIONS = 32;
const MAX_HEADER_BYTES = 4_096;
const MAX_TEXT_BYTES = 8 * 2 ** 20;

export const MAX_REQUEST_BYTES = 100 * 2 ** 20;

/** Changes with each change of the protocol. A pipe's greeting proves whose it is. */
function greetingOf(pipe: BotPipe | undefined): string {
  return `${JSON.stringify({ barnacle: 1, secret: pipe?.secret })}\n`;
}

/** Bytes of `sun_path` without its final zero: of Linux, and of other systems. */
const MAX_PATH_BYTES = process.platform === "linux" ? 107 : 103;

const NEWLINE = 10;

export function socketFolder(dataDir: string): string {
  return join(dataDir, "run");
}

/**
 * Serves a data directory, whose lock the caller holds.
 *
 * @param onFailed Gets the error of a handler; its command gets no answer.
 * @returns Closes the socket once running requests are answered.
 * @throws {BotSocketError} If there can be no private socket.
 */
export async function serveSocket(
  dataDir: string,
  handle: SocketHandler,
  onFailed: (error: unknown) => void = () => {},
): Promise<{ close(): Promise<void> }> {
  const folder = socketFolder(dataDir);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  assertPrivate(folder, dataDir);
  const file = join(folder, "bot");
  rmSync(file, { force: true }); // of a killed process: this one has the lock
  const pipe = process.platform === "win32" ? createBotPipe() : undefined;
  const open = new Set<Socket>();
  const waiting: Socket[] = [];
  const busy = new Set<Socket>();

  function greetNext(): void {
    while (busy.size < MAX_BUSY) {
      const socket = waiting.shift();
      if (!socket) return;
      if (socket.destroyed) continue;
      busy.add(socket);
      let late = setTimeout(() => socket.destroy(), REQUEST_MS);
      socket.on("close", () => clearTimeout(late));
      void readRequest(socket).then(async (request) => {
        clearTimeout(late);
        if (!request) return void socket.destroy();
        const answer = await handle(request);
        socket.end(`${answer}\n`);
        if (!socket.destroyed) late = setTimeout(() => socket.destroy(), REQUEST_MS);
      }).catch((error: unknown) => {
        socket.destroy();
        onFailed(error);
      });
      socket.write(greetingOf(pipe));
    }
  }

  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    if (open.size >= MAX_CONNECTIONS) return void socket.destroy();
    open.add(socket);
    socket.on("close", () => {
      open.delete(socket);
      busy.delete(socket);
      greetNext();
    });
    waiting.push(socket);
    greetNext();
  });
  server.unref();
  const release = await withAddress(folder, "bot", pipe, (path) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once("error", reject);
    server.listen({ path }, resolve);
    return promise;
  }).catch((cause: unknown) => {
    if (cause instanceof BotSocketError) throw cause;
    throw new BotSocketError(
      `Cannot listen on ${file} (${
        codeOf(cause) ?? "unknown reason"
      }); put the data directory on a ` +
        "file system that has sockets",
      { kind: "unusable", path: file, cause },
    );
  });
  if (pipe) writeFileSync(file, JSON.stringify(pipe));
  server.on("error", () => {}); // concerns one connection, whose command says so

  return {
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of open) if (!busy.has(socket)) socket.destroy();
      waiting.length = 0;
      const late = setTimeout(() => open.forEach((socket) => socket.destroy()), CLOSE_MS);
      await closed;
      clearTimeout(late);
      rmSync(file, { force: true });
      release();
    },
  };
}

/**
 * Sends a request to the process that serves a data directory.
 *
 * @param wait Milliseconds for the greeting, and from there to the answer.
 * @throws {BotSocketError} If the folder belongs to another user, or others may change it.
 */
export async function askSocket(
  dataDir: string,
  { text, files }: SocketRequest,
  wait: { readonly greetingMs: number; readonly answerMs: number },
): Promise<RequestResult> {
  const folder = socketFolder(dataDir);
  if (!lstatSync(folder, { throwIfNoEntry: false })) return { kind: "absent" };
  assertPrivate(folder, dataDir);
  const pipe = process.platform === "win32" ? readBotPipe(join(folder, "bot")) : undefined;
  if (process.platform === "win32" && !pipe) return { kind: "absent" };
  const expected = greetingOf(pipe);
  const frames = [new TextEncoder().encode(text), ...files];
  const { promise, resolve } = Promise.withResolvers<RequestResult>();
  let isSent = false;
  const release = await withAddress(folder, "bot", pipe, (path) => {
    const socket = createConnection({ path });
    let timer = setTimeout(() => end("silent"), wait.greetingMs);
    function end(kind: "absent" | "silent" | "other" | "lost"): void {
      resolve({ kind: isSent ? "lost" : kind });
      socket.destroy();
    }
    socket.on("error", (error) => end(isAbsent(error) ? "absent" : "silent"));
    socket.on("close", () => {
      clearTimeout(timer);
      end("silent"); // has no effect after an answer
    });
    readLine(socket, expected.length, (greeting) => {
      if (`${greeting}\n` !== expected) return end("other");
      clearTimeout(timer);
      timer = setTimeout(() => end("lost"), wait.answerMs);
      isSent = true;
      socket.write(`${JSON.stringify(frames.map(({ length }) => length))}\n`);
      for (const frame of frames) socket.write(frame);
      readLine(socket, Infinity, (answer) => {
        resolve({ kind: "answered", text: answer });
        socket.destroy();
      });
    });
    return Promise.resolve();
  });
  return await promise.finally(release);
}

/** No file, no listener behind it, or one that is closing. */
function isAbsent(error: unknown): boolean {
  return ["ENOENT", "ECONNREFUSED"].includes(codeOf(error) ?? "");
}

/** Reads a request; `undefined` if it breaks the rules, or its command ends. */
function readRequest(socket: Socket): Promise<SocketRequest | undefined> {
  const { promise, resolve } = Promise.withResolvers<SocketRequest | undefined>();
  socket.on("close", () => resolve(undefined));
  readLine(socket, MAX_HEADER_BYTES, (line, rest) => {
    const lengths = lengthsIn(line);
    if (!lengths) return resolve(undefined);
    const frames = lengths.map((length) => new Uint8Array(length));
    let at = 0;
    let filled = 0;
    const take = (piece: Uint8Array): void => {
      let used = 0;
      for (let frame = frames[at]; frame; frame = frames[at]) {
        const part = piece.subarray(used, used + frame.length - filled);
        frame.set(part, filled);
        used += part.length;
        filled += part.length;
        if (filled < frame.length) return;
        at += 1;
        filled = 0;
      }
      socket.off("data", take);
      const [text, ...files] = frames;
      resolve(text && { text: new TextDecoder().decode(text), files });
    };
    socket.on("data", take);
    take(rest);
  });
  return promise;
}

/** Lengths of the frames; `undefined` if they are invalid, or too large together. */
function lengthsIn(line: string): readonly number[] | undefined {
  let lengths: unknown;
  try {
    lengths = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (!Array.isArray(lengths)) return undefined;
  const valid = lengths.filter((length): length is number =>
    Number.isSafeInteger(length) && length >= 0
  );
  const [text = Infinity] = valid;
  const sum = valid.reduce((all, length) => all + length, 0);
  const isValid = valid.length === lengths.length && text <= MAX_TEXT_BYTES &&
    sum <= MAX_REQUEST_BYTES;
  return isValid ? valid : undefined;
}

/**
 * Calls back once with the first line, and the bytes behind it. A longer line ends the connection.
 *
 * @param maxBytes Of the line with its end.
 */
function readLine(
  socket: Socket,
  maxBytes: number,
  onLine: (line: string, rest: Uint8Array) => void,
): void {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  const take = (piece: Uint8Array): void => {
    const end = piece.indexOf(NEWLINE);
    bytes += end < 0 ? piece.length : end + 1;
    if (bytes > Math.min(maxBytes, MAX_TEXT_BYTES)) return void socket.destroy();
    if (end < 0) return void pieces.push(piece);
    socket.off("data", take);
    pieces.push(piece.subarray(0, end));
    onLine(new TextDecoder().decode(Buffer.concat(pieces)), piece.subarray(end + 1));
  };
  socket.on("data", take);
}

/**
 * Refuses a folder that is a link, of another user than its data directory, or open to others. Windows
 * has access lists instead, which `barnacle doctor` reads.
 */
function assertPrivate(folder: string, dataDir: string): void {
  if (process.platform === "win32") return;
  const found = lstatSync(folder);
  const { uid } = statSync(dataDir);
  if (found.isDirectory() && found.uid === uid && (found.mode & 0o077) === 0) return;
  throw new BotSocketError(
    `Other users can use ${folder}, or it is no folder of the data directory's owner; remove it, ` +
      "and start the bot again",
    { kind: "not_private", path: folder },
  );
}

/**
 * Gives a function an address of a file in a folder. On Linux, a path that is too long is replaced by
 * one through an open descriptor of the folder, which both ends can make by themselves.
 *
 * @returns Releases the address, which must last as long as the socket.
 * @throws {BotSocketError} `too_long` on other systems.
 */
async function withAddress(
  folder: string,
  name: string,
  pipe: BotPipe | undefined,
  use: (path: string) => Promise<void>,
): Promise<() => void> {
  if (pipe) {
    await use(pipe.path);
    return () => {};
  }
  const path = join(folder, name);
  if (new TextEncoder().encode(path).length <= MAX_PATH_BYTES) {
    await use(path);
    return () => {};
  }
  if (process.platform !== "linux") {
    throw new BotSocketError(
      `The path ${path} is longer than the ${MAX_PATH_BYTES} bytes of a socket's address; choose a ` +
        "data directory with a shorter path",
      { kind: "too_long", path },
    );
  }
  const descriptor = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  const release = () => closeSync(descriptor);
  try {
    await use(`/proc/self/fd/${descriptor}/${name}`);
    return release;
  } catch (error) {
    release();
    throw error;
  }
}
