/**
 * Refuses stores that this process must not join (O15): of another bot, of another data directory, or
 * with a clock that differs too much.
 */

import { createHash } from "node:crypto";
import { countText, durationText } from "../../lib/text/units.ts";
import {
  NEXT_STEPS,
  type RemoteError,
  type RemoteErrorKind,
} from "../../store/replica/remote_error.ts";
import type { RemoteState } from "../../store/replica/remote.ts";
import { lockedBot } from "../shared/discord.ts";
import { EXIT, type ExitCode, StartError } from "../shared/exit_code.ts";

/**
 * How far two clocks may differ, in milliseconds. Times in the store come from the owner's clock, so
 * after a takeover by another clock, schedules and limits would be off by as much.
 */
const CLOCK_MAX_MS = 60_000;

const MARK_CHARS = 12;

/**
 * Names a bot without its token: another token of the same application has the same mark.
 *
 * @param apiBase Base of its REST API.
 */
export function markOf(token: string, apiBase: string): string {
  const application = token.split(".")[0] ?? token;
  const hash = createHash("sha256").update(`bot ${lockedBot(application, apiBase)}`);
  return hash.digest("hex").slice(0, MARK_CHARS);
}

/**
 * Compares this machine's clock with the database's.
 *
 * @param askedAt Unix time in milliseconds before the database was asked.
 * @param answeredAt The same after it.
 * @returns The problem; `undefined` if they agree.
 */
export function clockProblem(
  { clockMs }: Pick<RemoteState, "clockMs">,
  askedAt: number,
  answeredAt: number,
): string | undefined {
  const off = clockMs < askedAt ? clockMs - askedAt : Math.max(0, clockMs - answeredAt);
  if (Math.abs(off) <= CLOCK_MAX_MS) return undefined;
  return `the clock of this machine is ${durationText(Math.abs(off))} ` +
    `${off < 0 ? "ahead of" : "behind"} the clock of PostgreSQL; set both by NTP (timedatectl)`;
}

/** The warning of a server whose failover may lose confirmed commits. */
export const MAY_LOSE: string =
  "PostgreSQL has a replica, and no commit waits for it: after a failover, the " +
  "last answers and calls of tools may come twice";

export const SYNCHRONIZE = "set synchronous_standby_names at the server";

/**
 * Refuses the store of another bot.
 *
 * @param bots Marks of the bots of this process.
 */
export function refuseOtherBot(
  { bots: stored, place }: Pick<RemoteState, "bots" | "place">,
  bots: readonly string[],
): void {
  if (stored === "" || stored.split(",").some((mark) => bots.includes(mark))) return;
  throw new StartError(
    `the database of store.url has the store of another bot, which ran last at ${place}; name a ` +
      "database of its own in store.url, or give this process the other bot's token",
    EXIT.config,
  );
}

/** The error of a second store of the same bot. */
export function twinProblem(name: string, count: number): StartError {
  return new StartError(
    `another process with the token of ${
      count === 1 ? "this bot" : `one of ${countText(count, "bot")}`
    } ` +
      `uses the database ${name} of the same server; name one database in store.url of both, or ` +
      "stop that process",
    EXIT.tryAgain,
  );
}

/** The error of a data directory with data of its own. */
export function otherStore(dataDir: string): StartError {
  return new StartError(
    `the database of store.url has the store of another data directory than ${dataDir}, which ` +
      "has data of its own. Choose an empty directory with --data, to stand by; or another " +
      "database in store.url, to keep these data",
    EXIT.config,
  );
}

/** The error of a data directory that is newer than a store which others have changed. */
export function forkedStore(dataDir: string, { place }: Pick<RemoteState, "place">): StartError {
  return new StartError(
    `PostgreSQL went back to an older copy of the store than ${dataDir} has, and ${place} has ` +
      "changed it since. Choose an empty directory with --data, to go on with the copy there; or an " +
      "empty database in store.url, to go on with these data",
    EXIT.config,
  );
}

const EXITS: Readonly<Record<RemoteErrorKind, ExitCode>> = {
  unreachable: EXIT.tryAgain,
  crowded: EXIT.tryAgain,
  refused: EXIT.config,
  untrusted: EXIT.config,
  plain: EXIT.config,
  absent: EXIT.config,
  forbidden: EXIT.config,
  replica: EXIT.tryAgain,
  unusable: EXIT.config,
  full: EXIT.io,
  failed: EXIT.io,
};

/** The problem of a start, with the next step. */
export function startErrorOf(error: RemoteError): StartError {
  const { kind, message } = error;
  return new StartError(
    `cannot use PostgreSQL (${message}); ${NEXT_STEPS[kind]}`,
    EXITS[kind],
    error,
  );
}
