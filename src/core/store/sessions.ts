/** Values of `store.sessions`: listed conversations and checkpoints, and searches in folded entries. */

import type { MessageId } from "../discord/ids.ts";
import type { InboundMessage } from "../inbound/inbound.ts";

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

/** The entries to read. */
export interface RecallQuery {
  /** Entries of these messages; any if empty. */
  readonly messageIds: readonly MessageId[];
  /** Words that all must be in an entry, in any case; any entry if empty. */
  readonly words: readonly string[];
  /** Maximum number of entries. */
  readonly limit: number;
}
