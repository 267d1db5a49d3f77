/** Plays edits and deletions of answered questions in a store (H6a). */

import assert from "node:assert/strict";
import type { Claim, FinishedTurn, MessageChange } from "../../../src/core/inbound/inbox.ts";
import type { InboundMessage } from "../../../src/core/inbound/inbound.ts";
import { createdAtMs, type MessageId } from "../../../src/core/discord/ids.ts";
import { nonceOf } from "../../../src/core/outbound/nonce.ts";
import type { Frozen } from "../../../src/core/outbound/outbound.ts";
import { envelopeOf } from "../../../src/render/prompt/envelope.ts";
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
const ROUTE_HERE = {
  agentId: "main",
  sessionKey: `agent:main:discord:channel:${CHANNEL}`,
};

/** Escapes words of people. */
const escape = (text: string): string => text.replaceAll("<", "&lt;");

export const question = (id: MessageId, text = "tides on monday") =>
  guildMessage({ id, channelId: CHANNEL, text, sentAt: createdAtMs(id) });

/** An edit that the policy accepts. */
export function edited(message: InboundMessage, text: string, revision = 5): MessageChange {
  return {
    kind: "edited",
    message: { ...message, text, revision },
    verdict: { kind: "accept", why: "mentioned", rule: "rule" },
  };
}

export const deleted = (...messageIds: readonly MessageId[]): MessageChange => ({
  kind: "deleted",
  channelId: CHANNEL,
  messageIds,
});

/** The parts of an answer, as a turn freezes them. */
function parts(claim: Claim, texts: readonly string[], revision = 0): readonly Frozen[] {
  const cause = claim.also?.at(-1)?.id ?? claim.message.id;
  return texts.map((content, part) => {
    const of = { cause, revision, agentId: "main", kind: "reply" as const };
    const { message } = frozen();
    const nonce = nonceOf(of, part);
    return {
      message: {
        ...message,
        channelId: CHANNEL,
        nonce,
        content,
        of: { ...of, part, parts: texts.length },
      },
      files: [],
    };
  });
}

/** A store with turns that end and messages that arrive at Discord. */
export function build(escaping: ((text: string) => string) | undefined = escape) {
  const test = openTestStore();
  const { store, rows } = test;
  let sent = 0;
  const claim = async () => {
    const claimed = await store.inbox.claimNext(ACCOUNT, NOW, [], () => true);
    assert.ok(claimed, "a message waits");
    return claimed;
  };
  async function finish(
    claimed: Claim,
    { texts = ["the answer"], revision = 0, ...more }: Partial<FinishedTurn> & {
      readonly texts?: readonly string[];
      readonly revision?: number;
    } = {},
  ): Promise<void> {
    const all = [claimed.message, ...claimed.also ?? []];
    const last = all.at(-1)?.id ?? claimed.message.id;
    const user = all.map((message) => ({
      role: "user" as const,
      text: envelopeOf({
        message,
        overheard: [],
        overheardChars: 0,
        timezone: "UTC",
        boundary: "boundary1",
      }),
      messageId: message.id,
      at: NOW,
    }));
    const said = { role: "assistant", text: texts.join(" "), messageId: last, at: NOW } as const;
    const turn: FinishedTurn = {
      claim: claimed,
      end: { kind: "answered" },
      entries: [...user, said],
      outbox: parts(claimed, texts, revision),
      ...more,
    };
    assert.ok((await store.turns.finishTurn(turn, NOW)).stored);
  }
  return {
    ...test,
    claim,
    finish,
    ask: (...messages: readonly InboundMessage[]) =>
      store.inbox.acceptBatch(
        batch({ judged: messages.map((one) => accepted(one, ROUTE_HERE)) }),
        NOW,
      ),
    change: (changes: readonly MessageChange[], at = NOW) =>
      store.inbox.acceptBatch(batch({ changes, escape: escaping }), at),
    /** Sends all rows, as Discord would take them; returns the requests. */
    async deliver(): Promise<readonly string[]> {
      const requests: string[] = [];
      for (;;) {
        const [row] = await store.outbox.heads(ACCOUNT);
        if (!row) return requests;
        await store.outbox.markSending(row, NOW);
        const { action, message: { content } } = row;
        const id = action.kind === "edit" || action.kind === "delete"
          ? action.messageId
          : messageId(String(9_000 + ++sent));
        requests.push(
          action.kind === "post"
            ? `post ${id} ${content}`
            : `${action.kind} ${id} ${content}`.trim(),
        );
        await store.outbox.markSent(row, id);
      }
    },
    states: () => rows("SELECT state FROM inbox ORDER BY id").map(({ state }) => state),
    texts: () => rows("SELECT role, text FROM entry ORDER BY id").map(({ text }) => String(text)),
  };
}
