import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Facts, Verdict } from "../../../src/core/inbound/inbox.ts";
import { guildMessage, guildPlace, messageId } from "../../support/discord/builders.ts";
import { accepted, batch, ignored, openTestStore } from "../../support/store/store.ts";

const NOW = Date.UTC(2026, 0, 1);

describe("a decision on record", () => {
  it("[P1] has its facts and its policy, without texts", async () => {
    const { store, rows } = openTestStore();
    const message = guildMessage({
      text: "a secret",
      place: guildPlace({ topic: "a secret topic" }),
      extras: [{ kind: "poll", text: "a secret poll" }],
      quoted: { id: messageId("5"), text: "a secret quote" },
    });
    const knownFacts = { isMuted: true };
    await store.inbox.acceptBatch(
      batch({ judged: [{ ...ignored(message, false), knownFacts, policyId: 7 }] }),
      NOW,
    );
    const [row] = rows("SELECT facts, policy_row FROM decision");
    assert.equal(row?.["policy_row"], 7);
    const facts: Facts = JSON.parse(String(row?.["facts"]));
    assert.deepEqual(facts.sender, message.sender);
    assert.deepEqual(facts.knownFacts, knownFacts);
    assert.equal(facts.hasContent, true);
    assert.doesNotMatch(JSON.stringify(rows("SELECT * FROM decision")), /secret/);
  });

  it("[G6] has the facts of a message that came too late for policy", async () => {
    const { store, rows } = openTestStore();
    const tooLate = { ...accepted().verdict, kind: "ignore", why: "too-old", keepAsContext: true };
    const judged = { message: guildMessage(), verdict: tooLate as Verdict };
    await store.inbox.acceptBatch(
      batch({ judged: [{ ...judged, policyVerdict: accepted().verdict }] }),
      NOW,
    );
    const [row] = rows("SELECT facts -> '$.matchesPattern' AS matched FROM decision");
    assert.equal(row?.["matched"], "true");
    assert.equal((await store.messages.verdictsAfter(0, 1))[0]?.why, "too-old");
  });
});
