/** Plays edits and deletions of answered questions in a store (H6a). */

import assert from "node:assert/strict";
import type { Claim, FinishedTurn, MessageChange } from "../../../src/core/inbound/inbox.ts";
import { partedText } from "../../../src/core/inbound/inbound.ts";
import type { InboundMessage } from "../../../src/core/inbound/inbound.ts";
import { createdAtMs, type MessageId } from "../../../src/core/discord/ids.ts";
import { nonceOf } from "../../../src/core/outbound/outbound.ts";
import { envelopeOf } from "../../../src/render/prompt/prompt.ts";
import { ACCOUNT, channelId, guildMessage, messageId } from "../discord/builders.ts";
import { accepted, batch, frozen, openTestStore } from "./store.ts";

const CHANNEL = channelId("1400000000000000011");
/** Ids of messages, oldest first. */
export const FIRST = messageId("1400000000000000100");
/** See {@link FIRST}. */
export const SECOND = messageId("1400000000000000200");
/** See {@link FIRST}. */
export const THIRD = messageId("1400000000000000300");
/** Time of everything. */
export const NOW = createdAtMs(FIRST) + 60_000;

/** Session of the channel. */
const ROUTE_HERE = { agentId: "main", sessionKey: `agent:main:discord:channel:${CHANNEL}` };

export const question = (id: MessageId, text: string) =>
  guildMessage({ id, channelId: CHANNEL, text, sentAt: createdAtMs(id) });

/** An edit that the policy accepts. */
export function edited(message: InboundMessage, text: string): MessageChange {
  return {
    kind: "edited",
    message: { ...message, text, revision: 5 },
    verdict: { kind: "accept", why: "mentioned", rule: "rule" },
  };
}

export const deleted = (id: MessageId): MessageChange => ({
  kind: "deleted",
  channelId: CHANNEL,
  messageIds: [id],
});

/** A store with turns that end and messages that arrive at Discord. */
export function build() {
  const test = openTestStore();
  const { store, rows } = test;
  const claim = async () => {
    const claimed = await store.inbox.claimNext(ACCOUNT, NOW, [], () => true);
    assert.ok(claimed, "a message waits");
    return claimed;
  };
  async function finish(
    claimed: Claim,
    more: Pick<Partial<FinishedTurn>, "entries"> = {},
  ): Promise<void> {
    const all = [claimed.message, ...claimed.also ?? []];
    const last = all.at(-1)?.id ?? claimed.message.id;
    const user = all.map((message) => ({
      role: "user" as const,
      ...partedText(
        envelopeOf({ message, overheard: [], overheardChars: 0, timezone: "UTC" }),
        "boundary1",
      ),
      messageId: message.id,
      at: NOW,
    }));
    const said = { role: "assistant", text: "the answer", messageId: last, at: NOW } as const;
    const of = { cause: last, revision: 0, agentId: "main", kind: "reply" } as const;
    const message = {
      ...frozen().message,
      channelId: CHANNEL,
      nonce: nonceOf(of, 0),
      content: "the answer",
      of: { ...of, part: 0, parts: 1 },
    };
    const turn: FinishedTurn = {
      claim: claimed,
      end: { kind: "answered" },
      entries: [...user, said],
      outbox: [{ message, files: [] }],
      ...more,
    };
    assert.ok(await store.turns.finishTurn(turn, NOW));
  }
  return {
    ...test,
    claim,
    finish,
    ask: (message: InboundMessage) =>
      store.inbox.acceptBatch(batch({ judged: [accepted(message, ROUTE_HERE)] }), NOW),
    change: (changes: readonly MessageChange[]) => store.inbox.acceptBatch(batch({ changes }), NOW),
    texts: () => rows("SELECT parts FROM entry ORDER BY id").map(({ parts }) => String(parts)),
  };
}
