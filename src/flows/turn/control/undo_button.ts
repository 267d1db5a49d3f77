/**
 * Puts an Undo button below an answer whose turn has changed something on Discord (T3).
 *
 * @module
 */

import type { FinishedTurn } from "../../../core/inbound/inbox.ts";
import type { AccountId, MessageId } from "../../../core/discord/ids.ts";
import { UNDO_BUTTON } from "../../../core/outbound/outbound.ts";
import type { Step } from "../../../core/step.ts";
import type { ToolChanges } from "../../../core/store/changes.ts";
import { UNDO_MINUTES } from "../../../core/turn/ports/discord_place.ts";
import type { Clock } from "../../../lib/clock.ts";
import { notice, type Texts } from "../../../render/notices/notices.ts";

/** Whether something that the turn of a message has done can be taken back now. */
export type CanUndo = (messageId: MessageId) => Promise<boolean>;

/** Creates a {@link CanUndo} for one account. */
export function createCanUndo(
  { accountId, changes, now }: Clock & {
    readonly accountId: AccountId;
    readonly changes: Pick<ToolChanges, "since">;
  },
): CanUndo {
  return async (messageId) => {
    const made = await changes.since(accountId, undefined, now() - UNDO_MINUTES * 60_000);
    return made.some(({ turnId, undo, isUndone }) => turnId === messageId && undo && !isUndone);
  };
}

/** Discord's maximum number of characters for a button's label. */
const MAX_LABEL = 80;

/**
 * Adds the button to the last message of an answer.
 *
 * @param steps The steps of the turn: without a call of `discord`, the store is not asked.
 * @param canUndo Absent: no answer has the button.
 */
export async function withUndoButton(
  turn: FinishedTurn,
  steps: readonly Step[],
  texts: Texts,
  canUndo: CanUndo | undefined,
): Promise<FinishedTurn> {
  const { outbox, claim: { message: { id } } } = turn;
  const hasActed = steps.some((step) =>
    step.kind === "answer" && step.calls.some(({ name }) => name === "discord")
  );
  const last = outbox.at(-1);
  if (!hasActed || !last || last.message.buttons || !await canUndo?.(id)) return turn;
  const label = notice("undoButton", {}, texts).slice(0, MAX_LABEL);
  const buttons = [{ customId: `${UNDO_BUTTON}:${id}`, label, style: "secondary" as const }];
  const message = { ...last.message, buttons };
  return { ...turn, outbox: [...outbox.slice(0, -1), { ...last, message }] };
}
