/**
 * The transactions of the crash table, and which of them must outlive a power cut.
 *
 * `kill -9` loses no commit, under either choice: the page cache outlives the process. Only a power
 * cut tells them apart. A `full` commit waits for the disk. A `normal` one does not, and a cut may
 * undo the last ones: a suffix of the log and never a hole in it. A commit that waits for the disk
 * takes all of the log with it. So after a `full` commit, all earlier commits are on the disk too.
 * A transaction may be `normal` if its loss equals a row of the crash table that comes before it:
 *
 * - T0 is full. Power cuts have shown that it need not be: without it the session before is tried,
 *   fails, and its gap begins where the store ends. But T0 is rare, so it costs little.
 * - T1 is normal: a cut undoes the messages together with the `seq` that covers them, and a RESUME
 *   from the older `seq` brings them again. Discord may have forgotten them, since heartbeats and
 *   RESUME had named a later `seq`. The thread then sees a hole and begins a new session, so that
 *   catch-up finds them (G5b), in guilds and in the direct channels that are known.
 * - `FIRST_DM` is a T1 that brings the first accepted message of a direct channel, or makes a code
 *   for a stranger. It is full: undone, catch-up would not know that it must read this channel. A
 *   later decision of an undecided message is normal: undone, the message is found as undecided.
 * - T2 is normal: without it the message waits, and its turn runs again. The first claim of a
 *   message that this process has stored is in memory, and reaches the table later (`inbox/claims.ts`).
 * - T3 is normal: without it the turn runs again, and no person has seen its reply. A reply leaves
 *   only after T4. T4 comes after T1 and T3 in the same log, so its wait for the disk covers all
 *   three: a reply costs one wait.
 * - T4 is full: without it Discord could hold a message that the store takes for unsent. If nothing
 *   waits before an answer's first message, T3 and T4 are one commit.
 * - T5 is normal: without it the row is asked for again by its nonce, or looked for. So it waits for
 *   the next transaction, 50 ms at most.
 * - TJ lets the tables catch up with the journal. It is normal: undone, the journal still has it.
 * - `BY_HAND` is full: the command line has told a person that it is stored, and nothing brings it
 *   back. The same holds for pairings, resolved names, and messages that Barnacle sends on its own.
 * - `IDENTIFY` is full: the count must hold before what it counts leaves, or cuts in a row spend
 *   more IDENTIFYs than Discord allows.
 * - `PROBE` is full: it shows a health check that the disk takes writes.
 *
 * @module
 */

/** Names of the crash table's transactions; the glossary explains each. */
export type TransactionName = "T0" | "T1" | "T2" | "T3" | "T4" | "T5" | "TJ";

/** Whether a commit waits until the disk has it. */
export type Durability = "full" | "normal";

/** The durability of a transaction, and its place in the crash table. */
export interface Terms {
  /** Absent if the crash table has no row for the transaction. */
  readonly name?: TransactionName;
  /** Of a transaction that is two rows of the table at once. */
  readonly also?: TransactionName;
  /** Whether the commit waits for the disk. */
  readonly durability: Durability;
}

/**
 * Terms of each transaction that has a reason of its own; the module's comment gives the reasons.
 */
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

/** Terms of work that the next start would do or find again. */
export const UNNAMED: Terms = { durability: "normal" };

/** Told of each passage, so that a test can end the process there (reliability 1.6). */
export interface CrashHooks {
  /** Called before the transaction is committed. */
  before(name: TransactionName): void;
  /** Called once the transaction is committed. */
  after(name: TransactionName): void;
}
