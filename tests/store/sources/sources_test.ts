/** Tests that transcripts, summaries and notes follow the messages that they came from. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { partedText } from "../../../src/core/inbound/parts.ts";
import type { InboundMessage } from "../../../src/core/inbound/inbound.ts";
import type { MessageId } from "../../../src/core/discord/ids.ts";
import { envelopeOf } from "../../../src/render/prompt/envelope.ts";
import {
  build,
  deleted,
  edited,
  FIRST,
  NOW,
  question,
  SECOND,
  THIRD,
} from "../../support/store/edits.ts";

describe("[H6a] the memory of the agent", () => {
  it("unfolds summaries of deleted entries, and only those", async () => {
    const { ask, claim, finish, change, store, rows } = build();
    for (const [id, text] of [[FIRST, "one"], [SECOND, "two"], [THIRD, "three"]] as const) {
      await ask(question(id, text));
      const claimed = await claim();
      await finish(claimed);
      const { agentId, sessionKey } = claimed.route;
      const last = { messageId: id, role: "assistant" } as const;
      const summary = { boundary: "b", text: `about ${text}` };
      const fold = { agentId, sessionKey, cause: "full", count: 2, last, summary } as const;
      assert.ok(await store.sessions.fold(fold, NOW));
    }
    const summaries = () => rows("SELECT summary FROM checkpoint").map(({ summary }) => summary);
    await change([edited(question(SECOND, "two"), "zwei")]);
    assert.deepEqual(summaries(), ["about one", "about two", "about three"]);
    await change([deleted(SECOND)]);
    assert.deepEqual(summaries(), ["about one"]);
    await change([deleted(FIRST)]);
    assert.deepEqual(summaries(), []);
  });

  it("takes no summary that was written from words which are removed meanwhile", async () => {
    const { ask, claim, finish, change, store } = build();
    await ask(question(FIRST, "one"));
    const claimed = await claim();
    await finish(claimed);
    const { agentId, sessionKey } = claimed.route;
    const { changes } = await store.sessions.openEntries(sessionKey, 10);
    await change([deleted(FIRST)]);
    const last = { messageId: FIRST, role: "assistant" } as const;
    const summary = { boundary: "b", text: "about one" };
    const fold = { agentId, sessionKey, cause: "full", count: 2, last, summary, changes } as const;
    assert.equal(await store.sessions.fold(fold, NOW), false);
  });

  it("removes overheard and quoted words from other turns, also from one that runs", async () => {
    const { ask, claim, finish, change, texts } = build();
    const overheard = {
      messageId: FIRST,
      tag: "ada",
      authorId: "1",
      text: "the secret",
      sentAt: NOW,
    };
    const envelope = (message: InboundMessage) =>
      partedText(
        envelopeOf({
          message: { ...message, quoted: { id: FIRST, text: "the secret" } },
          overheard: [overheard],
          overheardChars: 1_000,
          timezone: "UTC",
        }),
        "boundary1",
      );
    const turn = async (
      id: MessageId,
      between: () => Promise<unknown> = () => Promise.resolve(),
    ) => {
      await ask(question(id, "what?"));
      const claimed = await claim();
      await between();
      const text = envelope(question(id, "what?"));
      const entries = [{ role: "user", ...text, messageId: id, at: NOW }] as const;
      await finish(claimed, { entries });
    };
    await turn(SECOND);
    assert.equal(texts().join().split("the secret").length, 3);
    await turn(THIRD, () => change([deleted(FIRST)]));
    assert.equal(texts().length, 2);
    assert.ok(!texts().join().includes("the secret"));
    assert.match(texts()[1] ?? "", /its sender has deleted it since/);
    assert.match(texts()[1] ?? "", /what\?/);
  });
});
