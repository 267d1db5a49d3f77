/**
 * Ensures that no second instance uses the same data directory, or the same bot token on this
 * machine (G11).
 */

import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type Ended,
  endProcess,
  type EndRefusal,
  isGone,
  type ProcessToEnd,
} from "../../host/process/end_process.ts";
import {
  acquireLock,
  acquireTokenLock,
  type HeldLock,
  type TokenLock,
} from "../../host/locks/lock.ts";
import type { Log } from "../../lib/log.ts";

/** Another instance holds a lock; the message names it, and the fix. */
export class InstanceTakenError extends Error {
  override readonly name = "InstanceTakenError";
}

type HeldTokenLock = Exclude<TokenLock, { readonly kind: "taken" }>;

function release(lock: HeldTokenLock): void {
  if (lock.kind === "held") lock.release();
}

interface LockClaim<Held> {
  /** `"uses /var/lib/barnacle"`. */
  readonly what: string;
  /** A fix that does not stop the other process. */
  readonly alternative: string;
  readonly take: () => Promise<
    { readonly held: Held } | { readonly heldBy: ProcessToEnd | undefined }
  >;
}

/**
 * Milliseconds to wait for a process that may be a command, and between two looks. A command has the
 * lock for a moment before the file describes it. Until then the file is empty, or describes the
 * process before it, which has ended.
 */
const COMMAND_MS = 5_000;
const LOOK_EVERY_MS = 50;

/**
 * Takes all locks for the life of this process.
 *
 * @throws {InstanceTakenError} If another process holds one of them, and keeps it.
 * @throws {FlockUnavailableError} If the system has no file locks.
 */
export async function openInstance(
  options: {
    /** Absolute path. */
    readonly dataDir: string;
    /** Lock names of all bots; empty if no account connects. */
    readonly bots: readonly string[];
    /** `run --force`: ends the processes that hold a lock. */
    readonly isForced: boolean;
    /** `shutdown.graceSec`, in milliseconds. */
    readonly graceMs: number;
    readonly startedAt: number;
    /** Absolute path of the config; absent without a file. */
    readonly config?: string;
  },
  log: Log,
) {
  const { dataDir, startedAt, config } = options;
  const data = await claim<HeldLock>({
    what: `uses ${dataDir}`,
    alternative: "set another directory with --data",
    async take() {
      for (let waitedMs = 0;; waitedMs += LOOK_EVERY_MS) {
        const lock = await acquireLock(join(dataDir, "lock"), startedAt, undefined, {
          config,
        });
        if (lock.kind === "held") return { held: lock };
        const { heldBy } = lock;
        const mayBeCommand = !heldBy || heldBy.isCommand || isGone(heldBy);
        if (!mayBeCommand || waitedMs >= COMMAND_MS) return { heldBy };
        await sleep(LOOK_EVERY_MS);
      }
    },
  }, options.isForced);
  const held = new Map<string, HeldTokenLock>();

  /** Takes all of them, or none. */
  async function takeBots(bots: readonly string[], isForced: boolean): Promise<void> {
    const taken = new Map<string, HeldTokenLock>();
    try {
      for (const bot of new Set(bots)) {
        if (!held.has(bot)) taken.set(bot, await takeBot(bot, isForced));
      }
    } catch (error) {
      for (const lock of taken.values()) release(lock);
      throw error;
    }
    for (const [bot, lock] of taken) held.set(bot, lock);
  }

  function takeBot(bot: string, isForced: boolean): Promise<HeldTokenLock> {
    return claim<HeldTokenLock>({
      what: "runs on this machine with the same bot token",
      alternative: "use another bot token",
      async take() {
        const lock = await acquireTokenLock(bot, { startedAt, dataDir });
        return lock.kind === "taken" ? { heldBy: lock.heldBy } : { held: lock };
      },
    }, isForced);
  }

  try {
    await takeBots(options.bots, options.isForced);
  } catch (error) {
    data.release();
    throw error;
  }
  if ([...held.values()].some(({ kind }) => kind === "unsupported")) {
    log.warn(
      "This system has no lock for bot tokens; make sure that no other instance on this machine " +
        "uses the same token, or both answer every message",
    );
  }
  return {
    lastExitCode: data.lastExitCode,
    /** Writes the HTTP address into the lock file, for commands on this machine. */
    setHttp: data.setHttp,
    /**
     * Takes the locks of bots that a new config adds; never ends another process.
     *
     * @throws {InstanceTakenError} If another process holds one; then it takes none of them.
     */
    addBots: (bots: readonly string[]): Promise<void> => takeBots(bots, false),
    /** Releases the locks of all other bots. */
    keepBots(bots: readonly string[]): void {
      for (const [bot, lock] of held) {
        if (bots.includes(bot)) continue;
        held.delete(bot);
        release(lock);
      }
    },
    /** Releases all locks, as the end of the process does. */
    release(): void {
      for (const lock of held.values()) release(lock);
      data.release(0); // the store may be unable to keep that the bot was stopped
    },
  };

  async function claim<T>(wanted: LockClaim<T>, isForced: boolean): Promise<T> {
    let ended: Ended | undefined;
    for (;;) {
      const lock = await wanted.take();
      if ("held" in lock) return lock.held;
      const { heldBy } = lock;
      if (!isForced || !heldBy || ended) {
        // The holder may run in another pid namespace: then its pid does not exist here.
        throw takenBy(ended?.kind === "gone" ? undefined : heldBy, wanted, isForced);
      }
      ended = await endProcess(heldBy, options.graceMs, (message) => log.warn(message));
      if (ended.kind === "refused") {
        throw new InstanceTakenError(
          `Another instance ${wanted.what}; ${REFUSALS[ended.why](heldBy)}`,
        );
      }
    }
  }
}

export type Instance = Awaited<ReturnType<typeof openInstance>>;

const REFUSALS: Readonly<Record<EndRefusal, (holder: ProcessToEnd) => string>> = {
  self: () => "the lock file names this process: it is a copy from another machine, remove it",
  system: ({ pid }) => `its pid ${pid} is a system process, as in a container; stop it there`,
  unproven: ({ pid }) => `pid ${pid} may belong to another program by now; stop it yourself`,
  forbidden: ({ pid }) => `pid ${pid} belongs to another user; stop it as that user`,
  survived: ({ pid }) => `pid ${pid} survives SIGKILL; see whether it waits for a disk`,
};

function takenBy(
  heldBy: (ProcessToEnd & { readonly dataDir?: string }) | undefined,
  { what, alternative }: { readonly what: string; readonly alternative: string },
  wasForced: boolean,
): InstanceTakenError {
  if (!heldBy) {
    return new InstanceTakenError(
      `Another instance of unknown pid ${what}; it may run in a container: ` +
        `stop it there, or ${alternative}`,
    );
  }
  const from = heldBy.dataDir === undefined ? "" : `, data ${heldBy.dataDir}`;
  const who = `Another instance (pid ${heldBy.pid}${from}) ${what}`;
  return new InstanceTakenError(
    wasForced
      ? `${who} and restarts whenever it is ended; stop its service, ` +
        "for example with `systemctl stop barnacle`"
      : `${who}; stop it, run \`barnacle run --force\`, or ${alternative}`,
  );
}
