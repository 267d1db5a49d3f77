/** Tests that transcripts, summaries and notes follow the messages that they came from. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
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
});
