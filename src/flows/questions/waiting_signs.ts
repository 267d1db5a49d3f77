/**
 * Shows an asker that a person looks at the answer first (A5): the typing indicator for a minute, and
 * then one line.
 *
 * The line is a draft of the turn, so the turn's end removes it, and a crash leaves none behind.
 */

import type { Account } from "../../core/account/account.ts";
import type { Emits } from "../../core/account/events.ts";
import type { ChannelId } from "../../core/discord/ids.ts";
import { waitingLine } from "../../core/outbound/draft.ts";
import type { StoredQuestion } from "../../core/people/question.ts";
import { notice } from "../../render/notices/notices.ts";
import type { Cards } from "../../store/questions/cards.ts";

/** Milliseconds of typing before the line. */
const PATIENCE_MS = 60_000;

export function createWaitingSigns(
  { accountId, store, texts, now, events }:
    & Pick<
      Account<{ readonly questions: Pick<Cards, "addWaitingLine"> }>,
      "accountId" | "store" | "texts" | "now"
    >
    & Emits<"outbox">,
  beginTyping: (channelId: ChannelId) => () => void,
) {
  /** By question: ends its typing. */
  const typing = new Map<number, () => void>();
  /** Questions whose line is in the outbox. */
  const told = new Set<number>();

  function endTyping(id: number): void {
    typing.get(id)?.();
    typing.delete(id);
  }

  async function tell({ id, messageId, channelId, guildId, question }: StoredQuestion) {
    const { agentId } = question.review ?? {};
    const place = { accountId, channelId, guildId, cause: messageId, revision: 0, agentId };
    const message = waitingLine(place, notice("answerWaits", {}, texts()));
    await store.questions.addWaitingLine(id, { message, files: [] }, now());
    told.add(id);
    events.emit.outbox([channelId]);
  }

  return {
    /** Brings the signs up to date. Returns when the next line is due; `undefined`: none is. */
    async update(open: readonly StoredQuestion[]): Promise<number | undefined> {
      const ids = new Set(open.map(({ id }) => id));
      for (const id of typing.keys()) if (!ids.has(id)) endTyping(id);
      for (const id of told) if (!ids.has(id)) told.delete(id);
      let next: number | undefined;
      for (const stored of open) {
        const { id, createdAt, channelId, question: { review } } = stored;
        if (!review?.isAwaited || told.has(id)) continue;
        const due = createdAt + PATIENCE_MS;
        if (due <= now()) {
          endTyping(id);
          await tell(stored);
          continue;
        }
        if (!typing.has(id)) typing.set(id, beginTyping(channelId));
        next = Math.min(next ?? Infinity, due);
      }
      return next;
    },
    /** Ends all typing; the lines stay. */
    stop(): void {
      for (const id of [...typing.keys()]) endTyping(id);
    },
  };
}
