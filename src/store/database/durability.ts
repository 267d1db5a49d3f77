/**
 * The transactions of the crash table, and which of them must outlive a power cut.
 *
 * `kill -9` loses nothing that is committed, whatever is chosen here: the page
 * cache outlives the process. Only a power cut tells `full` (the commit waits
 * for the disk) from `normal` (it does not, and a cut may undo the last ones, a
 * suffix of the log and never a hole in it). What waits for the disk takes all
 * of the log with it: after a `full` commit, whatever was committed before is on
 * the disk too, by whatever terms. So a transaction may be `normal` where losing
 * it is the same as a row of the crash table that comes before it:
 *
 * - T0 is full. Power cuts have shown that it need not be: without it the session before is tried,
 *   fails, and its gap begins where the store ends. It is rare, and so what it says stands.
 * - T1 is normal: a cut undoes the messages together with the `seq` that covers them, and a RESUME
 *   from the older `seq` brings them again. Discord may have forgotten them, since heartbeats and
 *   RESUME had named a later `seq`. The thread then sees a hole and begins a new session, so that
 *   catch-up finds them (G5b), in guilds and in the direct channels that are known.
 * - `FIRST_DM` is a T1 that brings the first accepted message of a direct channel, or makes a code
 *   for a stranger, and is full: undone, nobody would know that there is such a channel to look into.
 *   What decides a message later is normal again: undone, it is undecided, and is found as such.
 * - T2 is normal: without it the message waits, and its turn runs again. The first claim of a
 *   message that this process has stored is in memory, and reaches the table later (`inbox/claims.ts`).
 * - T3 is normal: without it the turn runs again, and nobody has seen its reply. A
 *   reply leaves only after T4, which lies behind T1 and T3 in the same log, so T4's
 *   wait covers all three: the way out costs one.
 * - T4 is full: without it Discord could hold a message that we think never left. Where nothing
 *   waits before an answer's first message, T3 and T4 are one commit.
 * - T5 is normal: without it the row is asked for again by its nonce, or looked for. So it waits for
 *   the next transaction, 50 ms at most.
 * - TJ lets the tables catch up with the journal. It is normal: undone, the journal still has it.
 * - `BY_HAND` is full: what a person asked for on the command line was told to be stored, and
 *   nothing brings it back. So it is with who is let in, and what names were found to be. What
 *   Barnacle has to say of itself goes the same way.
 * - `IDENTIFY` is full: the count must hold before what it counts leaves, or cuts in a row spend
 *   more IDENTIFYs than Discord allows.
 * - `PROBE` is full: it shows whoever asks for the bot's health that the disk takes writes.
 *
 * @module
 */

export type TransactionName = "T0" | "T1" | "T2" | "T3" | "T4" | "T5" | "TJ";

/** Whether a commit waits until the disk has it. */
export type Durability = "full" | "normal";

export interface Terms {
  /** Absent where the crash table has no row for it. */
  readonly name?: TransactionName;
  /** Of a transaction that is two rows of the table at once. */
  readonly also?: TransactionName;
  readonly durability: Durability;
}

export const TERMS = {
  T0: { name: "T0", durability: "full" },
  T1: { name: "T1", durability: "normal" },
  FIRST_DM: { name: "T1", durability: "full" },
  T2: { name: "T2", durability: "normal" },
  T3: { name: "T3", durability: "normal" },
  T3_T4: { name: "T3", also: "T4", durability: "full" },
  T4: { name: "T4", durability: "full" },
  T5: { name: "T5", durability: "normal" },
  TJ: { name: "TJ", durability: "normal" },
  BY_HAND: { durability: "full" },
  IDENTIFY: { durability: "full" },
  PROBE: { durability: "full" },
} as const satisfies { readonly [Name in TransactionName]: Terms & { readonly name: Name } } & {
  readonly [name: string]: Terms;
};

/** Of what the next start would do or find again. */
export const UNNAMED: Terms = { durability: "normal" };

/** Told of each passage, so that a test can end the process there (reliability 1.6). */
export interface CrashHooks {
  before(name: TransactionName): void;
  after(name: TransactionName): void;
}
