/**
 * Keeps receipts true (R15a): a change that was taken back gets another mark under its answer, and the
 * button Undo goes once nothing of the answer can be taken back.
 *
 * It compares the stored answer with the stored changes. So each look may be repeated, and a crash
 * loses none.
 */

import type { Account } from "../../core/account/account.ts";
import type { MessageId } from "../../core/discord/ids.ts";
import { type Frozen, type OutboundMessage, UNDO_BUTTON } from "../../core/outbound/outbound.ts";
import { UNDO_MINUTES } from "../../core/turn/ports/discord_place.ts";
import type { Tool } from "../../core/turn/tool.ts";
import { DAY_MS } from "../../lib/clock.ts";
import type { MadeChange, ToolChanges } from "../../store/changes/changes.ts";
import type { Outbox } from "../../store/outbox/outbox.ts";
import type { Steps } from "../../store/turns/turn_ends.ts";
import type { Emits } from "../../core/account/events.ts";
import { createRetryQueue } from "../retry_queue.ts";
import { receiptsOf, withUndone } from "./receipts.ts";

const UNDO_MS = UNDO_MINUTES * 60_000;
/** Milliseconds for which an answer is looked at: longer than the longest turn. */
const LOOK_BACK_MS = 2 * DAY_MS;

/** Creates the keeper; nothing happens before the first call. */
export function createReceiptKeeper(
  account:
    & Pick<
      Account<unknown, unknown, {
        readonly changes: Pick<ToolChanges, "since">;
        readonly outbox: Pick<Outbox, "underAnswer" | "add">;
        readonly turns: Pick<Steps, "stepsOf">;
      }>,
      "accountId" | "log" | "now" | "random" | "schedule" | "store"
    >
    & Emits<"outbox">,
  tools: readonly Tool[],
) {
  const { accountId, store, now, schedule, events } = account;
  const retries = createRetryQueue("Cannot bring receipts up to date", account);
  let cancel: (() => void) | undefined;
  let isStopped = false;

  async function update(): Promise<void> {
    const made = await store.changes.since(accountId, undefined, now() - LOOK_BACK_MS);
    const canGoBack = made.filter(({ undo, isUndone, madeAt }) =>
      undo && !isUndone && madeAt > now() - UNDO_MS
    );
    for (const [turnId, changes] of Map.groupBy(made, (change) => change.turnId)) {
      const mayUndo = canGoBack.some((change) => change.turnId === turnId);
      if (!mayUndo || changes.some(({ isUndone }) => isUndone)) {
        await correct(turnId, changes, mayUndo);
      }
    }
    cancel?.();
    const next = Math.min(...canGoBack.map(({ madeAt }) => madeAt + UNDO_MS));
    if (!isStopped && next < Infinity) cancel = schedule(changed, Math.max(0, next - now()) + 1);
  }

  async function correct(
    turnId: MessageId,
    changes: readonly MadeChange[],
    mayUndo: boolean,
  ): Promise<void> {
    const { answer, newest } = await store.outbox.underAnswer(accountId, turnId) ?? {};
    if (!answer || !newest) return;
    const undone = new Set(changes.flatMap(({ id, isUndone }) => isUndone ? [id] : []));
    const receipts = receiptsOf(await store.turns.stepsOf(turnId), tools, answer, undone);
    const footer = answer.footer && withUndone(answer.footer, receipts);
    const content = footer === undefined
      ? answer.content
      : answer.content.slice(0, answer.content.lastIndexOf(answer.footer ?? "")) + footer;
    const others = answer.buttons?.filter(({ customId }) => !isUndo(customId)) ?? [];
    const buttons = mayUndo ? answer.buttons : others;
    const isSame = newest.content === content &&
      (newest.buttons?.length ?? 0) === (buttons?.length ?? 0);
    if (isSame || content.length > MAX_CHARS) return;
    await store.outbox.add(editOf(answer, { content, footer, buttons }), now());
    events.emit.outbox([answer.channelId]);
  }

  function changed(): void {
    if (!isStopped) retries.add(update);
  }

  return {
    /** Looks at the changes now, and whenever one can be taken back no more. */
    changed,
    async stop(): Promise<void> {
      isStopped = true;
      cancel?.();
      await retries.stop();
    },
  };
}

/** Discord's maximum for a message. */
const MAX_CHARS = 2_000;

const isUndo = (customId: string) => customId.startsWith(`${UNDO_BUTTON}:`);

function editOf(
  { of, ...answer }: OutboundMessage,
  fields: Pick<OutboundMessage, "content" | "footer" | "buttons">,
): Frozen {
  return {
    message: {
      ...answer,
      ...fields,
      nonce: "",
      ...(of && { of: { ...of, kind: "tool", part: 0, parts: 1 } }),
    },
    files: [],
    draft: { nonce: answer.nonce, becomes: "this" },
  };
}
