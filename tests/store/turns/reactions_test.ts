import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { PermittedReaction, ReactionRecord } from "../../../src/core/inbound/inbound.ts";
import { ACCOUNT, guildMessage, messageId, userId } from "../../support/discord/builders.ts";
import { accepted, batch, openTestStore } from "../../support/store/store.ts";

const NOW = Date.UTC(2026, 0, 1);
const { channelId: CHANNEL } = guildMessage();
const KEY = { accountId: ACCOUNT, channelId: CHANNEL };
const TURN = messageId("1400000000000000301");
const NEXT = messageId("1400000000000000302");

function reaction(fields: Partial<PermittedReaction> = {}): PermittedReaction {
  return {
    change: "added",
    channelId: CHANNEL,
    messageId: messageId("1400000000000000201"),
    userId: userId("5"),
    tag: "ada",
    emoji: "👍",
    onlyIf: {},
    ...fields,
  };
}

function open() {
  const test = openTestStore();
  const { store } = test;
  let now = NOW;
  return {
    ...test,
    react: (...reactions: readonly ReactionRecord[]) =>
      store.inbox.acceptBatch(batch({ reactions }), now++),
    async seenBy(turn: typeof TURN) {
      const notes = await store.turns.reactionsFor(KEY, turn);
      return notes.map(({ change, tag, emoji }) => `${tag} ${change} ${emoji}`);
    },
  };
}

describe("[H5] store.turns › reactions", () => {
  it("belong to one turn, and a repeated one sees them again", async () => {
    const { react, seenBy } = open();
    await react(reaction(), reaction({ userId: userId("6"), tag: "bob", emoji: "🎉" }));
    const seen = ["ada added 👍", "bob added 🎉"];
    assert.deepEqual(await seenBy(TURN), seen);
    assert.deepEqual(await seenBy(TURN), seen, "after a crash");
    assert.deepEqual(await seenBy(NEXT), []);
  });

  it("go to the next turn after a failed one", async () => {
    const { store, react, seenBy } = open();
    const question = guildMessage({ id: TURN });
    await store.inbox.acceptBatch(batch({ judged: [accepted(question)] }), NOW);
    const claim = await store.inbox.claimNext(ACCOUNT, NOW, []);
    assert.ok(claim);
    await react(reaction());
    assert.deepEqual(await seenBy(TURN), ["ada added 👍"]);
    const end = { kind: "failed", failureId: "f", reason: "test" } as const;
    await store.turns.finishTurn({ claim, end, entries: [], outbox: [] }, NOW);
    assert.deepEqual(await seenBy(NEXT), ["ada added 👍"]);
  });

  it("[G5b] count once if Discord repeats them", async () => {
    const { react, seenBy } = open();
    await react(reaction());
    await seenBy(TURN);
    await react(reaction());
    assert.deepEqual(await seenBy(NEXT), []);
  });

  it("[P3] depend on pairing and on the message's author if the policy says so", async () => {
    const { react, seenBy } = open();
    await react(reaction({ onlyIf: { isPaired: true } }));
    await react(reaction({ onlyIf: { isOwn: true } }));
    assert.deepEqual(await seenBy(TURN), []);
  });

  it("are bounded in rows, however many arrive", async () => {
    const { react, seenBy, rows } = open();
    const flood = Array.from(
      { length: 10_000 },
      (_, index) => reaction({ userId: userId(String(1_000 + index)), tag: `u${index}` }),
    );
    await react(...flood);
    for (let index = 0; index < 5; index++) {
      await react(...flood.slice(index * 40, index * 40 + 40));
    }
    const [counted] = rows("SELECT COUNT(*) AS count FROM reaction");
    assert.ok(Number(counted?.["count"]) <= 50);
    assert.equal((await seenBy(TURN)).length, 50);
  });
});
