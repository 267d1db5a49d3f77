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
 * can ask; they learn a pid, a time and a path. One of them could also take the name while no bot
 * runs, to keep the bot from starting. So the kernel tells whose socket it is. A process of another
 * user, root excepted, counts only if it proves that it knows the token. Otherwise the bot starts
 * without this lock, and warns.
 */

import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import type { Server } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { readBootId, readPid } from "../process/boot.ts";
import { FlockUnavailableError } from "./flock.ts";
import { acquireLock, type Holder, isLocked, readHolder } from "./lock.ts";
import {
  holdsSocket,
  isHeldByUser,
  type NameOwner,
  namesListenedOn,
  ownerOfName,
  type SocketTables,
  TABLES,
} from "./socket_holder.ts";
import { askHolder, listenOnName } from "./name_socket.ts";
import { runtimeDir } from "../files/data_dir.ts";

/** A process of another user that has the lock's name without knowing the token. */
export interface Squatter {
  /** Absent if the kernel does not tell, because the process lets no connection in. */
  readonly owner?: NameOwner;
}

export type TokenLock =
  | {
    readonly kind: "held";
    /** Releases the lock; the end of the process does the same. */
    release(): Promise<void>;
  }
  /** The holder is absent if it does not describe itself, or the kernel contradicts it. */
  | { readonly kind: "taken"; readonly heldBy?: Holder }
  /** No lock here can prove that this Barnacle is alone. `squatter`: another user has the name. */
  | { readonly kind: "unsupported"; readonly squatter?: Squatter };

/** This process's description of itself. */
export interface TokenOwner {
  readonly startedAt: number;
  /** Absolute path. */
  readonly dataDir: string;
}

/** Places of the lock, and how long to wait for its holder's answer; a test passes its own. */
export interface TokenLockPorts {
  /** `"linux"` has an abstract namespace. */
  readonly platform: string;
  readonly askMs: number;
  /** Directory of the file if the name cannot serve; `undefined` if none is safe. */
  readonly directory: () => string | undefined;
  /** The process that listens on a name, by the kernel. */
  readonly ownerOf: (name: string) => Promise<NameOwner | undefined>;
  /** Effective user id; `undefined` on Windows. */
  readonly uid: number | undefined;
}

export const TOKEN_LOCK_PORTS: TokenLockPorts = {
  platform: process.platform,
  askMs: 3_000, // a holder on a busy machine answers late
  directory: runtimeDir,
  ownerOf: ownerOfName,
  uid: process.geteuid?.(),
};

/**
 * Acquires the lock for the life of this process, without waiting for it.
 *
 * @param token The bot's token, with its server if that is not Discord.
 * @param self The description for a second process.
 */
export async function acquireTokenLock(
  token: string,
  self: TokenOwner,
  ports: TokenLockPorts = TOKEN_LOCK_PORTS,
): Promise<TokenLock> {
  if (ports.platform === "linux") {
    const lock = await takeName(token, self, ports);
    if (lock.kind !== "unsupported" || lock.squatter) return lock;
  }
  return await takeFile(pathOf(tokenLockName(token), ports), self);
}

/**
 * Finds the bots that run on this machine, by the public names of their locks.
 *
 * @returns One holder per token: several for a bot with several accounts.
 */
export async function findTokenHolders(
  ports: TokenLockPorts & Pick<SocketTables, "sockets"> = { ...TOKEN_LOCK_PORTS, ...TABLES },
): Promise<readonly Holder[]> {
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
): Promise<readonly (Holder | undefined)[]> {
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

const NAME = /^barnacle-[0-9a-f]{32}$/;
const ENDING = ".lock";

/** `"barnacle-…"`: the public name of a token's lock, which every user of the machine can read. */
export function tokenLockName(token: string): string {
  const digest = createHash("sha256").update("barnacle token lock 1\n").update(token);
  return `barnacle-${digest.digest("hex").slice(0, 32)}`;
}

async function takeName(
  token: string,
  self: TokenOwner,
  { askMs, ownerOf, uid }: TokenLockPorts,
): Promise<TokenLock> {
  const name = tokenLockName(token);
  const own = readPid(process.pid);
  const bootId = readBootId();
  const holder: Holder = {
    pid: process.pid,
    startedAt: self.startedAt,
    dataDir: self.dataDir,
    bootId,
    startTicks: own.kind === "running" ? own.startTicks : undefined,
  };
  for (let mayHaveEnded = true;; mayHaveEnded = false) {
    const server = await listenOnName(name, holder, token, askMs);
    if (server === "unsupported") return { kind: server };
    if (server !== "taken") return { kind: "held", release: () => close(server) };
    const owner = await ownerOf(name);
    const answer = await askHolder(name, askMs, token);
    if (answer.kind === "closed" && mayHaveEnded) continue;
    if (answer.kind !== "holder" || !answer.knowsToken) {
      // A process that lets no connection in has no known owner.
      const isTrusted = owner ? owner.uid === 0 || owner.uid === uid : isHeldByUser(uid, name);
      if (!isTrusted) return { kind: "unsupported", squatter: { owner } };
    }
    const isTrue = answer.kind === "holder" && holdsSocket(answer.holder.pid, name) !== false;
    return takenBy(isTrue ? answer.holder : undefined);
  }
}

function takenBy(heldBy: Holder | undefined): TokenLock {
  return { kind: "taken", heldBy };
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

function pathOf(
  name: string,
  { directory }: Pick<TokenLockPorts, "directory">,
): string | undefined {
  const folder = directory();
  return folder === undefined ? undefined : join(folder, `${name}${ENDING}`);
}

async function takeFile(
  path: string | undefined,
  { startedAt, dataDir }: TokenOwner,
): Promise<TokenLock> {
  if (path === undefined) return { kind: "unsupported" };
  try {
    const lock = await acquireLock(path, startedAt, undefined, { dataDir });
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
