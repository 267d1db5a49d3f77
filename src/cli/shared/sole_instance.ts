/**
 * Makes sure that this is the only Barnacle: of its data directory, and of its
 * bot token on this machine (G11).
 *
 * @module
 */

import { join } from "node:path";
import {
  type Ended,
  endProcess,
  type EndRefusal,
  processPorts,
} from "../../host/process/end_process.ts";
import { takeLock } from "../../host/locks/lock.ts";
import { takeTokenLock, type TokenLock } from "../../host/locks/token_lock.ts";
import type { Log } from "../../lib/log.ts";

export interface InstanceOptions {
  readonly dataDir: string;
  /** The bot tokens, each with the server that it is for; none where nothing connects. */
  readonly bots: readonly string[];
  /** `run --force`: whoever is in the way is ended. */
  readonly isForced: boolean;
  /** `shutdown.graceSec`, in milliseconds. */
  readonly graceMs: number;
  /** Unix time in milliseconds. */
  readonly startedAt: number;
}

/** This process, as the only one. */
export interface Instance {
  /** Tells others of this machine where this process listens. */
  setHttp(address: string): void;
  /**
   * Takes the locks of bots that came later, too; whoever has one of them is not ended.
   *
   * @throws {InstanceTakenError} If another process has one; then none of them is taken.
   */
  addBots(bots: readonly string[]): Promise<void>;
  /** Lets go of all bots but these. */
  keepBots(bots: readonly string[]): Promise<void>;
  /** Lets the next one in; the end of the process does the same. */
  release(): Promise<void>;
}

export interface InstancePorts {
  readonly takeData: typeof takeLock;
  readonly takeToken: typeof takeTokenLock;
  readonly end: (holder: Claimant, graceMs: number, log: Log) => Promise<Ended>;
}

/** Another Barnacle is in the way; the message says which, and what to do. */
export class InstanceTakenError extends Error {
  override readonly name = "InstanceTakenError";
}

/** Who has a lock, as it said itself. */
interface Claimant {
  readonly pid: number;
  readonly bootId?: string | undefined;
  readonly startTicks?: number | undefined;
}

type Held = Exclude<TokenLock, { readonly kind: "taken" }>;

async function release(lock: Held): Promise<void> {
  if (lock.kind === "held") await lock.release();
}

/** What two processes cannot both have. */
interface Claim<Held> {
  /** `"uses /var/lib/barnacle"`. */
  readonly what: string;
  /** What else one can do than stop the other. */
  readonly otherwise: string;
  readonly take: () => Promise<
    { readonly held: Held } | { readonly heldBy: Claimant | undefined }
  >;
}

const PORTS: InstancePorts = {
  takeData: takeLock,
  takeToken: takeTokenLock,
  end: (holder, graceMs, log) =>
    endProcess(holder, graceMs, processPorts((said) => log.warn(said))),
};

/** How often somebody is ended before another comes back too fast, as under a service manager. */
const ROUNDS = 3;

/**
 * Takes both locks for the life of this process.
 *
 * @throws {InstanceTakenError} If another process has one of them, and keeps it.
 * @throws {FlockUnavailableError} Where there are no locks to take.
 */
export async function claimInstance(
  options: InstanceOptions,
  log: Log,
  ports: InstancePorts = PORTS,
): Promise<Instance> {
  const { dataDir, startedAt } = options;
  const data = await claim({
    what: `uses ${dataDir}`,
    otherwise: "name another directory by --data",
    async take() {
      const lock = await ports.takeData(join(dataDir, "lock"), startedAt);
      return lock.kind === "taken" ? { heldBy: lock.heldBy } : { held: lock };
    },
  }, options.isForced);
  const held = new Map<string, Held>();

  /** All of them, or none. */
  async function takeBots(bots: readonly string[], isForced: boolean): Promise<void> {
    const taken = new Map<string, Held>();
    try {
      for (const bot of new Set(bots)) {
        if (!held.has(bot)) taken.set(bot, await takeBot(bot, isForced));
      }
    } catch (error) {
      await Promise.all(Array.from(taken.values(), release));
      throw error;
    }
    for (const [bot, lock] of taken) held.set(bot, lock);
  }

  function takeBot(bot: string, isForced: boolean): Promise<Held> {
    return claim({
      what: "runs on this machine with the same bot token",
      otherwise: "give this one a bot of its own",
      async take() {
        const lock = await ports.takeToken(bot, { startedAt, dataDir });
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
      "Nobody can say here whether another Barnacle on this machine has the same bot token; " +
        "see to it that none has, or both answer everything",
    );
  }
  return {
    setHttp: data.setHttp,
    addBots: (bots) => takeBots(bots, false),
    async keepBots(bots) {
      for (const [bot, lock] of held) {
        if (bots.includes(bot)) continue;
        held.delete(bot);
        await release(lock);
      }
    },
    async release() {
      await Promise.all(Array.from(held.values(), release));
      data.release();
    },
  };

  async function claim<Lock>(wanted: Claim<Lock>, isForced: boolean): Promise<Lock> {
    for (let round = 1;; round++) {
      const lock = await wanted.take();
      if ("held" in lock) return lock.held;
      const { heldBy } = lock;
      if (!isForced || round > ROUNDS) throw takenBy(heldBy, wanted, isForced);
      if (!heldBy) throw takenBy(undefined, wanted, true);
      const ended = await ports.end(heldBy, options.graceMs, log);
      if (ended.kind === "refused") {
        throw new InstanceTakenError(
          `Another Barnacle ${wanted.what}, and ${WHY[ended.why](heldBy)}`,
        );
      }
      // A holder that is not there, of a lock that is: it counts its pids otherwise.
      if (ended.kind === "gone" && round > 1) throw takenBy(undefined, wanted, true);
    }
  }
}

const WHY: Readonly<Record<EndRefusal, (holder: Claimant) => string>> = {
  self: () => "names this very process; the lock's file is a copy of another machine's: remove it",
  system: ({ pid }) => `its pid ${pid} is the system's, as in a container; stop it from there`,
  unproven: ({ pid }) =>
    `nothing proves that pid ${pid} is still its own, so it was not ended; stop it yourself`,
  forbidden: ({ pid }) => `its process ${pid} is another user's; stop it as that user`,
  survived: ({ pid }) => `its process ${pid} does not even end by SIGKILL; see what it waits for`,
};

function takenBy(
  heldBy: (Claimant & { readonly dataDir?: string | undefined }) | undefined,
  { what, otherwise }: Pick<Claim<unknown>, "what" | "otherwise">,
  wasForced: boolean,
): InstanceTakenError {
  if (!heldBy) {
    return new InstanceTakenError(
      `Another Barnacle that does not say who it is ${what}; it may run in a container: ` +
        `stop it there, or ${otherwise}`,
    );
  }
  const from = heldBy.dataDir === undefined ? "" : `, from ${heldBy.dataDir},`;
  const who = `Another Barnacle with pid ${heldBy.pid}${from} ${what}`;
  return new InstanceTakenError(
    wasForced
      ? `${who}: it comes back as often as it is ended; stop it where it is started, ` +
        "as by `systemctl stop barnacle`"
      : `${who}; stop it, let \`barnacle run --force\` end it, or ${otherwise}`,
  );
}
