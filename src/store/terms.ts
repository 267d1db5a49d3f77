/**
 * The transactions of the crash table, and which of them must outlive a power cut.
 *
 * `kill -9` loses nothing that is committed, whatever is chosen here: the page
 * cache outlives the process. Only a power cut tells `full` (the commit waits
 * for the disk) from `normal` (it does not, and a cut may undo the last ones, a
 * suffix of the log and never a hole in it). So a transaction may be `normal`
 * where losing it is the same as a row of the crash table that comes before it:
 *
 * - T0 is full: nothing brings back that a session was lost, so catch-up would never run.
 * - T1 is full. In theory a cut undoes messages and `seq` together, and RESUME or
 *   catch-up brings them again; until power cuts have shown that, it stays full.
 * - T2 is normal: without it the message waits, and its turn runs again.
 * - T3 is normal: without it the turn runs again, and nobody has seen its reply. A
 *   reply leaves only after T4, which lies behind T3 in the same log, so T4's
 *   wait covers both: the way out costs one.
 * - T4 is full: without it Discord could hold a message that we think never left.
 * - T5 is normal: without it the row is asked for again by its nonce, or looked for.
 *
 * @module
 */

export type TransactionName = "T0" | "T1" | "T2" | "T3" | "T4" | "T5";

/** Whether a commit waits until the disk has it. */
export type Durability = "full" | "normal";

export interface Terms {
  /** Absent where the crash table has no row for it. */
  readonly name?: TransactionName;
  readonly durability: Durability;
}

export const TERMS = {
  T0: { name: "T0", durability: "full" },
  T1: { name: "T1", durability: "full" },
  T2: { name: "T2", durability: "normal" },
  T3: { name: "T3", durability: "normal" },
  T4: { name: "T4", durability: "full" },
  T5: { name: "T5", durability: "normal" },
} as const satisfies { readonly [Name in TransactionName]: Terms & { readonly name: Name } };

/** Of what the next start would do or find again. */
export const UNNAMED: Terms = { durability: "normal" };

/** Told of each passage, so that a test can end the process there (reliability 1.6). */
export interface CrashHooks {
  before(name: TransactionName): void;
  after(name: TransactionName): void;
}
