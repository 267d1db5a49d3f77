/**
 * Checkpoints of transcripts. Entries up to a checkpoint are not shown to the model any more, but
 * the store keeps all of them.
 */

import type { Entry } from "../inbound/transcript.ts";

/** Why a session began anew: once a day, after an idle time, or by a command (S4a). */
export type ResetCause = "daily" | "idle" | "command";

/**
 * Why entries were folded: the window was full, the model's server refused the request, or a person
 * asked for it.
 */
export type FoldCause = "full" | "refused" | "command";

/** A summary of all entries since the last reset, up to a checkpoint. */
export interface Summary {
  /** Boundary of the fence around the text: always the same one, so that providers can cache it. */
  readonly boundary: string;
  /** Text by the model about words of people. Untrusted. */
  readonly text: string;
  /** Whether no model wrote it: then it has the first words of each message; absent: one did. */
  readonly isPlain?: boolean;
}

/** The newest checkpoint of a session. */
export interface Checkpoint {
  /** Absent after a reset: then the model knows nothing of earlier entries. */
  readonly summary?: Summary;
  readonly at: number;
}

/** Entries of a session since its newest checkpoint. */
export interface OpenEntries {
  /** Number of entries that are older than these, but newer than the checkpoint. */
  readonly older: number;
  /** The newest ones, oldest first. */
  readonly entries: readonly Entry[];
  /** How often people have changed words in entries of the session, in this process; absent: never. */
  readonly changes?: number;
}

/**
 * The oldest entries of a session since its newest checkpoint, up to the end of a turn. The range
 * has no numbers of the store: the newest entries may be stored without one.
 */
export interface FoldRange {
  /** Number of entries, from the first one after the checkpoint. */
  readonly count: number;
  /**
   * The last of them. If a checkpoint was added or entries were removed, another entry is at this
   * position.
   */
  readonly last: Pick<Entry, "messageId" | "role">;
}

export interface Fold extends FoldRange, Pick<OpenEntries, "changes"> {
  readonly agentId: string;
  readonly sessionKey: string;
  readonly cause: FoldCause;
  /** The summary of all entries since the last reset. */
  readonly summary: Summary;
  /** Id of the model that wrote it; absent if none did. */
  readonly modelId?: string;
}

export interface Folded {
  /** Number of folded entries since the last reset; 0 if there are none. */
  readonly entries: number;
  /** Number of messages to which these entries belong. */
  readonly messages: number;
  /** UTF-16 units of the summary. */
  readonly summaryChars: number;
  /** When the newest of them were folded, as Unix time in milliseconds; absent if there are none. */
  readonly at?: number;
  /** Whether no model wrote the summary; absent: one did. */
  readonly isPlain?: boolean;
}
