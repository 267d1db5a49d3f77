/**
 * The contract of `store.sessions`: the checkpoints of conversations, their folded entries, and
 * their lists for the operator.
 */

import type { MessageId } from "../discord/ids.ts";
import type { InboundMessage } from "../inbound/inbound.ts";
import type { Entry } from "../inbound/transcript.ts";
import type {
  Checkpoint,
  Fold,
  Folded,
  NumberedEntry,
  OpenEntries,
  ResetCause,
} from "../turn/checkpoint.ts";

/** All methods of `store.sessions`. */
export interface Sessions extends Checkpoints, Listing, Recalled {}

/** Reads and adds checkpoints. */
export interface Checkpoints {
  /** The newest checkpoint of a session; `undefined` if it has none. */
  checkpointOf(sessionKey: string): Promise<Checkpoint | undefined>;
  /** The newest `limit` entries since the newest checkpoint, oldest first. */
  openEntries(sessionKey: string, limit: number): Promise<OpenEntries>;
  /**
   * Folds the oldest entries since the newest checkpoint.
   *
   * @returns `false`, and stores nothing, if the range is another one by now: a newer checkpoint has
   * entries of it, or some are removed.
   */
  fold(fold: Fold, now: number): Promise<boolean>;
  /**
   * Begins a new transcript under the same key (S4a).
   *
   * @returns Number of entries that the model does not see any more; 0 if there was nothing to
   * leave behind.
   */
  reset(sessionKey: string, cause: ResetCause, now: number): Promise<number>;
  /** The part of a session that summaries stand for, since its last reset. */
  foldedOf(sessionKey: string): Promise<Folded>;
}

/** Reads sessions. */
export interface Listing {
  /** All sessions with an entry, the one with the newest entry first. */
  list(): Promise<readonly ListedSession[]>;
  /** All entries of a session after a number, oldest first. */
  page(sessionKey: string, after: number, limit: number): Promise<readonly NumberedEntry[]>;
  /** The newest `limit` entries of a session, oldest first. */
  newestOf(sessionKey: string, limit: number): Promise<readonly NumberedEntry[]>;
  /** All checkpoints of a session, oldest first. */
  checkpointsOf(sessionKey: string): Promise<readonly ListedCheckpoint[]>;
}

/** One session. Times are Unix time in milliseconds. */
export interface ListedSession {
  readonly sessionKey: string;
  readonly agentId: string;
  /** Number of all entries. */
  readonly entries: number;
  /** Number of entries since the last reset. */
  readonly current: number;
  /** Number of those that are not folded. */
  readonly open: number;
  /** UTF-16 units of the entries that are not folded. */
  readonly openChars: number;
  /** UTF-16 units of the summary of the folded ones. */
  readonly summaryChars: number;
  readonly firstAt: number;
  readonly lastAt: number;
  /** The message of the newest turn, for the display name; absent if it is deleted. */
  readonly newest?: InboundMessage;
}

/** A checkpoint as it is stored. */
export interface ListedCheckpoint {
  /** Whether the session began anew there, or entries were folded. */
  readonly kind: "reset" | "summary";
  /** Why: see `ResetCause` and `FoldCause`. */
  readonly cause: string;
  /** Number of the first entry of its range. */
  readonly firstEntry: number;
  /** Number of the last entry of its range. */
  readonly lastEntry: number;
  /** Number of entries of its range. */
  readonly entries: number;
  /** Ids of the messages of its range; none of a reset. */
  readonly messageIds: readonly string[];
  /** Text of the summary; absent of a reset. */
  readonly summary?: string;
  /** Id of the model that wrote the summary; absent if none did, and of a reset. */
  readonly modelId?: string;
  readonly at: number;
}

/** Reads folded entries. */
export interface Recalled {
  /**
   * The newest folded entries that match.
   *
   * @returns Oldest first, and the number of all matches.
   */
  recall(
    sessionKey: string,
    query: RecallQuery,
  ): Promise<{ readonly entries: readonly Entry[]; readonly matches: number }>;
}

/** The entries to read. */
export interface RecallQuery {
  /** Entries of these messages; any if empty. */
  readonly messageIds: readonly MessageId[];
  /** Words that all must be in an entry, in any case; any entry if empty. */
  readonly words: readonly string[];
  /** Maximum number of entries. */
  readonly limit: number;
}
