/**
 * Forgets what the agent noted from messages that people deleted (T14).
 *
 * @module
 */

import type { MessageId } from "../../core/discord/ids.ts";
import type { Log } from "../../lib/log.ts";
import type { Store } from "../../core/store/store.ts";

/** Creates the function, which never throws. */
export function createWithdrawNotes(
  notes: Pick<Store["notes"], "withdraw">,
  log: Log,
): (messageIds: readonly MessageId[]) => void {
  return (messageIds) => {
    notes.withdraw(messageIds).catch((error: unknown) => {
      log.error("Cannot withdraw the notes from deleted messages", { messageIds, error });
    });
  };
}
