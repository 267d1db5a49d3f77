/**
 * Allows one Barnacle per bot token on this machine, whatever its data directory (G11).
 *
 * Two data directories do not share a lock, so two bots with one token would each answer
 * everything. On Linux the lock is a name in the abstract namespace of Unix sockets. The kernel
 * gives the name to one process, and frees it when that process ends, however it ends. A second
 * process can ask the first for its description. On other systems the lock is a file of the user,
 * locked like the data directory.
 *
 * The name is a hash and contains no part of the token. Other users of the machine can see it and
 * can ask; they learn a pid, a time and a path. One of them could take the name while no bot runs,
 * and answer with any pid, so the kernel is asked whose socket it is.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { createConnection, createServer, type Server } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { z } from "zod";
import { codeOf } from "../../lib/error_code.ts";
import { readBootId, readPid } from "../process/boot.ts";
import { FlockUnavailableError } from "./flock.ts";
import { isLocked, readHolder, takeLock } from "./lock.ts";
import { runtimeDir } from "../files/runtime_dir.ts";
import { holdsSocket, namesListenedOn, type SocketTables, TABLES } from "./socket_holder.ts";

/** The holder's description of itself. */
export interface TokenHolder {
  readonly pid: number;
  /** Unix time in milliseconds. */
  readonly startedAt: number;
  /** Id of the kernel's boot; absent if unknown. */
  readonly bootId?: string | undefined;
  /** When the process began in that boot, in the kernel's ticks. */
  readonly startTicks?: number | undefined;
  readonly dataDir?: string | undefined;
}

/** The held lock of a bot token. */
export type TokenLock =
  | {
    readonly kind: "held";
    /** Releases the lock; the end of the process does the same. */
    release(): Promise<void>;
  }
  /** The holder is absent if it does not describe itself, or the kernel contradicts it. */
  | { readonly kind: "taken"; readonly heldBy?: TokenHolder }
  /** No lock here can prove that this Barnacle is alone. */
  | { readonly kind: "unsupported" };

/** This process's description of itself. */
export interface TokenOwner {
  /** Unix time in milliseconds. */
  readonly startedAt: number;
  readonly dataDir: string;
}

/** Where the lock is, and how long to wait for its holder's answer; a test passes its own. */
export interface TokenLockPorts {
  readonly platform: string;
  /** Milliseconds. */
  readonly askMs: number;
  /** Directory of the file if there is no abstract namespace; `undefined` if none is safe. */
  readonly directory: () => string | undefined;
}

const PORTS: TokenLockPorts = {
  platform: process.platform,
  askMs: 1_000,
  directory: runtimeDir,
};

/** Maximum bytes of an answer: a pid, two times and one path. */
const ANSWER_MAX = 8_192;

const holderSchema = z.object({
  pid: z.int().positive(),
  startedAt: z.number(),
  bootId: z.string().optional(),
  startTicks: z.int().optional(),
  dataDir: z.string().optional(),
});

/**
 * Takes the lock for the life of this process, without waiting for it.
 *
 * @param token The bot's token, with its server if that is not Discord.
 * @param self The description for a second process.
 */
export async function takeTokenLock(
  token: string,
  self: TokenOwner,
  ports: TokenLockPorts = PORTS,
): Promise<TokenLock> {
  const name = tokenLockName(token);
  const lock = ports.platform === "linux"
    ? await takeName(name, self, ports.askMs)
    : { kind: "unsupported" } satisfies TokenLock;
  if (lock.kind !== "unsupported") return lock;
  return await takeFile(ports.directory(), name, self);
}

/**
 * Finds the bots that run on this machine, by the public names of their locks.
 *
 * @returns One holder per token: several for a bot with several accounts.
 */
export async function findTokenHolders(
  ports: TokenLockPorts & Pick<SocketTables, "sockets"> = { ...PORTS, ...TABLES },
): Promise<readonly TokenHolder[]> {
  const names = ports.platform === "linux" ? namesListenedOn(NAME, ports).slice(0, MAX_ASKED) : [];
  const asked = await Promise.all(names.map(async (name) => {
    const answer = await askHolder(name, ports.askMs);
    const isTrue = answer.kind === "holder" && holdsSocket(answer.holder.pid, name) !== false;
    return isTrue ? answer.holder : undefined;
  }));
  const inFiles = await holdersInFiles(ports.directory());
  return [...asked, ...inFiles].filter((holder) => holder !== undefined);
}

async function holdersInFiles(
  directory: string | undefined,
): Promise<readonly (TokenHolder | undefined)[]> {
  if (directory === undefined) return [];
  const paths = readdirSync(directory)
    .filter((file) => file.endsWith(ENDING) && NAME.test(file.slice(0, -ENDING.length)))
    .map((file) => join(directory, file));
  return await Promise.all(
    paths.map(async (path) => await isLocked(path) === true ? readHolder(path) : undefined),
  );
}

/** Names to ask at most: any user can take many of them. */
const MAX_ASKED = 32;

/** Names that {@link tokenLockName} returns. */
const NAME = /^barnacle-[0-9a-f]{32}$/;
/** Ending of a lock file. */
const ENDING = ".lock";

/** `"barnacle-…"`: the public name of a token's lock, which every user of the machine can read. */
export function tokenLockName(token: string): string {
  const digest = createHash("sha256").update("barnacle token lock 1\n").update(token);
  return `barnacle-${digest.digest("hex").slice(0, 32)}`;
}

async function takeName(name: string, self: TokenOwner, askMs: number): Promise<TokenLock> {
  const own = readPid(process.pid);
  const bootId = readBootId();
  const holder: TokenHolder = {
    pid: process.pid,
    startedAt: self.startedAt,
    dataDir: self.dataDir,
    ...(bootId !== undefined && { bootId }),
    ...(own.kind === "running" && { startTicks: own.startTicks }),
  };
  for (let mayHaveEnded = true;; mayHaveEnded = false) {
    const server = await listen(name, holder, askMs);
    if (server === "unsupported") return { kind: server };
    if (server !== "taken") return { kind: "held", release: () => close(server) };
    const answer = await askHolder(name, askMs);
    if (answer.kind === "nobody" && mayHaveEnded) continue;
    const isTrue = answer.kind === "holder" && holdsSocket(answer.holder.pid, name) !== false;
    return { kind: "taken", ...(isTrue && { heldBy: answer.holder }) };
  }
}

/**
 * Takes the name in the abstract namespace.
 *
 * @returns `"unsupported"` in a sandbox without such names; then no process in it has one.
 */
function listen(
  name: string,
  holder: TokenHolder,
  askMs: number,
): Promise<Server | "taken" | "unsupported"> {
  const line = `${JSON.stringify(holder)}\n`;
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy()); // the client did not wait for the answer
    socket.setTimeout(askMs, () => socket.destroy());
    socket.end(line);
    socket.resume();
  });
  server.maxConnections = 8;
  server.unref();
  return new Promise((resolve) => {
    // A later error concerns one connection, whose client asks again.
    server.on("error", (error) => {
      resolve(codeOf(error) === "EADDRINUSE" ? "taken" : "unsupported");
    });
    server.listen({ path: `\0${name}` }, () => resolve(server));
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

type Answer =
  | { readonly kind: "holder"; readonly holder: TokenHolder }
  /** The holder hangs, or is not Barnacle. */
  | { readonly kind: "silent" }
  /** The holder has stopped listening. */
  | { readonly kind: "nobody" };

function askHolder(name: string, askMs: number): Promise<Answer> {
  const { promise, resolve } = Promise.withResolvers<Answer>();
  let text = "";
  const socket = createConnection({ path: `\0${name}` });
  const timer = setTimeout(() => socket.destroy(), askMs);
  socket.setEncoding("utf8");
  socket.on("data", (piece) => {
    text += piece;
    if (text.length > ANSWER_MAX) socket.destroy();
  });
  socket.on("error", (error) => {
    if (codeOf(error) === "ECONNREFUSED") resolve({ kind: "nobody" });
  });
  socket.on("close", () => {
    clearTimeout(timer);
    resolve(toAnswer(text));
  });
  return promise;
}

function toAnswer(text: string): Answer {
  if (text.length > ANSWER_MAX) return { kind: "silent" };
  try {
    return { kind: "holder", holder: holderSchema.parse(JSON.parse(text)) };
  } catch {
    return { kind: "silent" };
  }
}

async function takeFile(
  directory: string | undefined,
  name: string,
  { startedAt, dataDir }: TokenOwner,
): Promise<TokenLock> {
  if (directory === undefined) return { kind: "unsupported" };
  try {
    const path = join(directory, `${name}${ENDING}`);
    const lock = await takeLock(path, startedAt, undefined, { dataDir });
    if (lock.kind === "taken") return lock;
    return {
      kind: "held",
      release() {
        lock.release();
        return Promise.resolve();
      },
    };
  } catch (error) {
    if (error instanceof FlockUnavailableError) return { kind: "unsupported" };
    throw error;
  }
}
