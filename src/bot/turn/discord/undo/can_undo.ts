/**
 * Tells whether something that a turn has done on Discord can be taken back (T3).
 *
 * @module
 */

import type { AccountId } from "../../../../core/discord/ids.ts";
import type { CanUndo } from "../../../../flows/turn/control/undo_button.ts";
import type { ToolChanges } from "../../../../core/store/changes.ts";

/** Minutes for which a change can be taken back. */
export const UNDO_MINUTES = 10;

/** Creates a {@link CanUndo} for one account. */
export function createCanUndo(
  accountId: AccountId,
  changes: Pick<ToolChanges, "since">,
  now: () => number,
): CanUndo {
  return async (messageId) => {
    const made = await changes.since(accountId, undefined, now() - UNDO_MINUTES * 60_000);
    return made.some(({ turnId, undo, isUndone }) => turnId === messageId && undo && !isUndone);
  };
}
