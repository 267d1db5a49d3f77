/**
 * Reads folded entries of the session again, for the tool `recall`.
 *
 * @module
 */

import type { MessageId } from "../../discord/ids.ts";
import type { Entry } from "../../inbound/transcript.ts";

/** What tools can read of a session's folded entries. */
export interface RecallPort {
  /**
   * The newest folded entries of a session that match, since its last reset.
   *
   * @param query Entries must belong to one of `messageIds` and have all `words`, in any case. An
   * empty list matches all.
   * @returns Oldest first, and the number of all matches.
   */
  recall(
    sessionKey: string,
    query: {
      readonly messageIds: readonly MessageId[];
      readonly words: readonly string[];
      readonly limit: number;
    },
  ): Promise<{ readonly entries: readonly Entry[]; readonly matches: number }>;
}
