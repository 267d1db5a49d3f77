/**
 * Remembers the types of dispatches that cannot be read, and decides when a new session may help (G16).
 *
 * The first unreadable dispatch of a needed type renews the shard's session once: READY and
 * GUILD_CREATE come again, and catch-up reads messages over REST, perhaps in a form that fits. Once is
 * enough. If the form of the type has changed for good, further sessions would bring the same.
 */

import { GUILD_TYPES } from "./intents.ts";

export interface ReadProblem {
  /** The dispatch's type; `"unknown"` if it has none. */
  readonly type: string;
  /** Names fields, and never their contents. */
  readonly why: string;
}

/** Dispatches of a type in a row that cannot be read, after others that could. */
const LASTING_COUNT = 3;
/** Milliseconds for which health shows a type after an unreadable dispatch, if others could be read. */
const TOLD_MS = 60 * 60_000;

/** Types without which the bot gets no messages or presses, or does not know its guilds. */
const NEEDED: ReadonlySet<string> = new Set([
  "READY",
  "MESSAGE_CREATE",
  "INTERACTION_CREATE",
  ...GUILD_TYPES,
]);

/** Creates the memory of one account's reader. */
export function createUnreadTypes() {
  /** By type; Discord's types are few, and Barnacle uses only some of them. */
  const unread = new Map<string, ReadProblem & { readonly count: number; readonly at: number }>();
  const understood = new Set<string>();
  /** Shards with the types for which their session was renewed. */
  const renewed = new Set<string>();
  let isRenewalDue = false;

  return {
    /**
     * A dispatch could not be read.
     *
     * @param at Unix time in milliseconds of its arrival.
     */
    skipped(problem: ReadProblem, shardId: number, at: number): void {
      const { type } = problem;
      if (type === "unknown") return; // no type is lost
      unread.set(type, { ...problem, count: (unread.get(type)?.count ?? 0) + 1, at });
      const key = `${shardId} ${type}`;
      if (!NEEDED.has(type) || renewed.has(key)) return;
      renewed.add(key);
      isRenewalDue = true;
    },
    understood(type: string): void {
      understood.add(type);
      const known = unread.get(type);
      if (known && known.count > 0) unread.set(type, { ...known, count: 0 });
    },
    /** Whether a new session may help, since the last call. */
    takeRenewal(): boolean {
      const wasDue = isRenewalDue;
      isRenewalDue = false;
      return wasDue;
    },
    /**
     * The types to tell, in the order of their first unreadable dispatches, each with their number
     * since the last one that could be read. A lasting one: none so far, or none of the last few.
     */
    list(now: number) {
      return Array.from(unread.values(), ({ type, why, count, at }) => {
        const isLasting = count > 0 && (count >= LASTING_COUNT || !understood.has(type));
        return { type, why, count, isLasting, isRecent: now - at < TOLD_MS };
      }).filter(({ isLasting, isRecent }) => isLasting || isRecent);
    },
  };
}
