/**
 * Shows which of Discord's events Barnacle cannot read, in health and to the owners (G16).
 *
 * Without them the bot is deaf, although it is connected. People cause none of these: the readers
 * require only fields that the server itself writes.
 */

import type { Account } from "../../core/account/account.ts";
import type { Finding } from "../../core/finding.ts";

/** A type of which dispatches could not be read. */
export interface UnreadDispatches {
  /** Discord's name of the type. */
  readonly type: string;
  /** Names fields, and never their contents. */
  readonly why: string;
  /** How many since the last one that could be read. */
  readonly count: number;
  /** Whether none could be read so far, or none of the last few. */
  readonly isLasting: boolean;
}

/** The types without which the bot answers no message. */
const DEAF_WITHOUT: ReadonlySet<string> = new Set(["READY", "MESSAGE_CREATE"]);

/** The session is renewed once before the owners learn of a READY that cannot be read. */
const READYS_BEFORE_NOTICE = 2;

/**
 * Creates the report for one account. It tells the owners of each type once in the life of the process.
 *
 * @param unread Returns the types at a time.
 */
export function createUnreadDispatches(
  { now }: Pick<Account, "now">,
  unread: (now: number) => readonly UnreadDispatches[],
  tellOwners: (text: string) => Promise<void>,
) {
  const told = new Set<string>();

  function tell({ type, why }: Pick<UnreadDispatches, "type" | "why">): void {
    if (told.has(type)) return;
    told.add(type);
    void tellOwners(
      `I cannot read Discord's \`${type}\` events (${why}), so I miss these events. Please ` +
        "update me, or check the server that I am connected to.",
    );
  }

  return {
    read(): void {
      for (const one of unread(now())) tell(one);
    },
    /** This many READYs in a row of a shard cannot be read. */
    readys(count: number): void {
      if (count < READYS_BEFORE_NOTICE) return;
      tell({ type: "READY", why: "it names no session, or not the bot" });
    },
    /** The types that cannot be read now, or of which one could not be read lately. */
    findings: (): readonly Finding[] =>
      unread(now()).map(({ type, why, count, isLasting }) => ({
        id: "gateway:dispatches",
        what: "Unread events",
        status: isLasting && DEAF_WITHOUT.has(type) ? "fail" : "warn",
        why: isLasting
          ? `Barnacle cannot read ${type} (${why}): ${count} in a row`
          : `Barnacle could not read a ${type} (${why})`,
        fix:
          "update Barnacle; if DISCORD_API_URL names another server, its events lack what a bot needs",
        ...isLasting && DEAF_WITHOUT.has(type) && { isReady: false as const },
      })),
  };
}
