/**
 * Writes receipts under answers, and keeps them true (R15a): a change that was taken back, and a message
 * that has arrived or is lost, get another mark, and the button Undo goes once nothing of the answer
 * can be taken back.
 *
 * It compares the message at Discord with the stored changes and messages. So each look may be
 * repeated, and a crash loses none. An edit is a part of the answer, as those of H6a are.
 */

import type { BotAccount } from "../../account/account.ts";
import { wakeChannels } from "../../account/per_account.ts";
import { type MessageId, parseSnowflake } from "../../core/discord/ids.ts";
import { UNDO_BUTTON } from "../../core/outbound/outbound.ts";
import { createRetryQueue } from "../../flows/retry_queue.ts";
import {
  lineOf,
  NOTHING,
  receiptsOf,
  storedReceipts,
  undoEnds,
  withEnds,
} from "../../flows/receipts/receipts.ts";
import { TOOLS } from "../../tools/registry.ts";
import { CHANGES_KEPT_MS } from "../../store/schema/agent.ts";
import type { AccountPart } from "../../account/extra_parts.ts";

/** Creates the part; nothing happens before its start. */
export function createAccountReceipts(of: BotAccount): AccountPart {
  const account = of.forPart("turns");
  const { accountId, store, now, schedule } = account;
  const retries = createRetryQueue("Cannot bring receipts up to date", account);
  /** Cancels the look at the end of an answer's time for Undo. */
  const ends = new Map<MessageId, () => void>();

  function look(turnId: MessageId): void {
    retries.add(() => correct(turnId));
  }

  async function correct(turnId: MessageId): Promise<void> {
    const changes = await store.changes.ofTurn(accountId, turnId);
    const end = Math.max(0, ...changes.map(undoEnds));
    const mayUndo = end > now();
    ends.get(turnId)?.();
    ends.delete(turnId);
    if (mayUndo) ends.set(turnId, schedule(() => look(turnId), end - now()));
    const { message, askedIn } = await store.outbox.underAnswer(accountId, turnId) ?? {};
    if (!message) return;
    const { content, footer, buttons = [], guildId, channelId, nonce } = message;
    const place = { guildId, channelId: askedIn ?? channelId };
    const lines = footer && withEnds(footer, await storedReceipts(account, TOOLS, turnId, place));
    const kept = buttons.filter(({ customId }) => mayUndo || !turnOf(customId));
    if (lines === footer && kept.length === buttons.length) return;
    const text = content.slice(0, content.lastIndexOf(footer ?? "")) + (lines ?? "");
    const edited = { ...message, nonce: "", content: text, footer: lines, buttons: kept };
    const draft = { nonce, becomes: "this" } as const;
    await store.outbox.add({ message: edited, files: [], draft }, now());
    wakeChannels(account, [channelId]);
  }

  return {
    /** Looks at all answers with changes or messages of calls, as long as the store keeps changes. */
    start() {
      retries.add(async () => {
        const made = await store.changes.since(accountId, undefined, 0);
        const senders = await store.outbox.callersSince(accountId, now() - CHANGES_KEPT_MS);
        const turns = [...made.map((change) => change.turnId), ...senders];
        for (const turnId of new Set(turns)) look(turnId);
      });
    },
    async stop() {
      await retries.stop();
      for (const cancel of ends.values()) cancel();
    },
    events: {
      /** Looks at an answer, and again once it can be taken back no more. */
      undone: look,
      /**
       * An attempt to send a message has ended: an answer, before which the ends of its turn's calls
       * may have changed, or a message of a call.
       */
      attempted({ message: { of, footer, buttons = [] } }) {
        const hasMark = footer !== undefined || buttons.some(({ customId }) => turnOf(customId));
        if (of && (hasMark || of.kind === "tool")) look(of.cause);
      },
    },
    linesUnder({ claim: { message }, config, steps, tools, changes }) {
      const { receipts: mode } = config.messages;
      if (mode === "off") return [];
      // Before a restart, the turn may have had other tools.
      const line = lineOf(receiptsOf(steps, [...tools, ...TOOLS], message, changes));
      if (line !== undefined) return [line];
      const hadEffects = tools.some(({ isReadOnly, effect }) => effect ?? isReadOnly !== true);
      return mode === "always" && hadEffects ? [NOTHING] : [];
    },
  };
}

/** The turn of a button Undo; `undefined` for another button. */
const turnOf = (customId: string): MessageId | undefined =>
  customId.startsWith(`${UNDO_BUTTON}:`)
    ? parseSnowflake<"message">(customId.slice(UNDO_BUTTON.length + 1))
    : undefined;
