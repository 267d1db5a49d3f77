/** Tests what follows edits and deletions of answered questions in the store. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { EditRules, MessageChange } from "../../../src/core/inbound/inbox.ts";
import { FOLLOWED_MS, MAX_FOLLOWED } from "../../../src/core/inbound/inbox.ts";
import { createdAtMs, type MessageId } from "../../../src/core/discord/ids.ts";
import { messageId } from "../../support/discord/builders.ts";
import {
  build,
  CHANNEL,
  deleted,
  edited,
  FIRST,
  NOW,
  question,
  RULES,
  SECOND,
} from "../../support/store/edits.ts";

describe("[H6a] an edit after the answer", () => {
  it("lets the turn begin anew, in place of the answer and of its entries", async () => {
    const { ask, claim, finish, change, deliver, texts, store } = build();
    await ask(question(FIRST));
    await finish(await claim(), { texts: ["low at 6", "high at 12"] });
    assert.deepEqual(await deliver(), ["post 9001 low at 6", "post 9002 high at 12"]);
    await ask(question(SECOND, "thanks"));
    await finish(await claim(), { texts: ["you are welcome"] });
    await deliver();

    const { touched } = await change([edited(question(FIRST), "tides on friday")]);
    assert.deepEqual(touched, [FIRST]);
    assert.ok(!texts().join().includes("monday"), "the old words are gone at once");
    const again = await claim();
    assert.deepEqual([again.message.text, again.attempt], ["tides on friday", 2]);
    const [step] = await store.turns.stepsOf(FIRST);
    assert.equal(step?.kind === "edited" && step.number, 1);
    await finish(again, { texts: ["low at 9"], revision: -1 });
    assert.deepEqual(await deliver(), ["edit 9001 low at 9", "delete 9002"]);
    const [asked, answer, thanks] = texts();
    assert.match(asked ?? "", /tides on friday/);
    assert.equal(answer, "low at 9");
    assert.match(thanks ?? "", /thanks/);

    await change([edited(question(FIRST), "tides on sunday", 6)]);
    await finish(await claim(), { texts: ["a", "b", "c"], revision: -2 });
    assert.deepEqual(await deliver(), ["edit 9001 a", "post 9004 b", "post 9005 c"]);
  });

  it("counts once, also after a replay and a new process", async () => {
    const { ask, claim, finish, change, deliver } = build();
    await ask(question(FIRST));
    await finish(await claim());
    await deliver();
    assert.equal((await change([edited(question(FIRST), "other")])).touched.length, 1);
    assert.equal((await change([edited(question(FIRST), "other")])).touched.length, 0);
    await finish(await claim(), { texts: ["new"], revision: -1 });
    assert.equal((await change([edited(question(FIRST), "other")])).touched.length, 0);
    assert.deepEqual(await deliver(), ["edit 9001 new"]);
  });

  it("replaces an answer that is not sent yet", async () => {
    const { ask, claim, finish, change, deliver } = build();
    await ask(question(FIRST));
    await finish(await claim(), { texts: ["old"] });
    await change([edited(question(FIRST), "other")]);
    await finish(await claim(), { texts: ["new"], revision: -1 });
    const requests = await deliver();
    assert.equal(requests.at(-1)?.endsWith("new"), true);
    await change([edited(question(FIRST), "third", 6)]);
    await finish(await claim(), { texts: ["newer"], revision: -2 });
    assert.deepEqual((await deliver()).map((request) => request.split(" ")[0]), ["edit"]);
  });

  it("keeps the earlier answer if the new turn has none", async () => {
    const { ask, claim, finish, change, deliver, states, texts } = build();
    await ask(question(FIRST));
    await finish(await claim());
    await deliver();
    await change([edited(question(FIRST), "other")]);
    const end = { kind: "failed", failureId: "f1", reason: "down" } as const;
    await finish(await claim(), { end, entries: [], outbox: [] });
    assert.deepEqual(await deliver(), []);
    assert.deepEqual(states(), ["failed"]);
    assert.match(texts()[0] ?? "", /other/);
    assert.equal(texts()[1], "the answer");
  });

  it("begins anew with all messages of a joined turn", async () => {
    const { ask, claim, finish, change, deliver, texts } = build();
    await ask(question(FIRST, "one"), question(SECOND, "two"));
    const both = await claim();
    assert.equal(both.also?.length, 1);
    await finish(both);
    await deliver();
    assert.deepEqual((await change([edited(question(FIRST), "uno")])).touched, [FIRST, SECOND]);
    const again = await claim();
    assert.deepEqual(
      [again.message.text, ...(again.also ?? []).map(({ text }) => text)],
      ["uno", "two"],
    );
    await finish(again, { texts: ["new"], revision: -1 });
    assert.deepEqual(await deliver(), ["edit 9001 new"]);
    assert.equal(texts().length, 3);
    // Without its first message, the turn keeps the place of its answer.
    await change([deleted(FIRST)]);
    assert.deepEqual((await change([edited(question(SECOND), "dos")])).touched, [SECOND]);
    const alone = await claim();
    assert.deepEqual([alone.message.id, alone.also], [SECOND, undefined]);
    await finish(alone, { texts: ["newest"], revision: -2 });
    assert.deepEqual(await deliver(), ["edit 9001 newest"]);
  });

  for (
    const [why, how] of [
      ["the config says off", { rules: { ...RULES, of: () => undefined } }],
      ["an hour has passed", { at: createdAtMs(FIRST) + FOLLOWED_MS + 1 }],
      ["it was a command", { text: "/status" }],
      ["it becomes a command", { to: "/status" }],
      ["its words are the same", { to: "tides on monday" }],
      ["the policy refuses it now", { verdict: "ignore" }],
      ["a person has deleted the answer", { gone: messageId("9001") }],
    ] as const satisfies readonly (readonly [string, Record<string, unknown>])[]
  ) {
    it(`is recorded and starts no turn if ${why}`, async () => {
      const given: {
        rules?: EditRules;
        at?: number;
        text?: string;
        to?: string;
        verdict?: string;
        gone?: MessageId;
      } = how;
      const { ask, claim, finish, change, deliver, states, rows } = build(given.rules ?? RULES);
      const asked = question(FIRST, given.text);
      await ask(asked);
      await finish(await claim());
      await deliver();
      if (given.gone) await change([deleted(given.gone)]);
      const one = edited(asked, given.to ?? "other");
      const changed: MessageChange = given.verdict && one.kind === "edited"
        ? {
          ...one,
          verdict: { kind: "ignore", why: "no-mention", rule: "r", keepAsContext: false },
        }
        : one;
      assert.deepEqual((await change([changed], given.at)).touched, []);
      assert.deepEqual(states(), ["answered"]);
      assert.equal(rows("SELECT change FROM inbox")[0]?.["change"], "edited");
    });
  }

  it(`is followed ${MAX_FOLLOWED} times`, async () => {
    const { ask, claim, finish, change } = build();
    await ask(question(FIRST));
    await finish(await claim());
    for (let number = 1; number <= MAX_FOLLOWED; number++) {
      await change([edited(question(FIRST), `edit ${number}`, 10 + number)]);
      await finish(await claim(), { texts: [`answer ${number}`], revision: -number });
    }
    assert.deepEqual((await change([edited(question(FIRST), "one more", 99)])).touched, []);
  });

  it("starts no turn in a transcript that was reset since", async () => {
    const { ask, claim, finish, change, store } = build();
    await ask(question(FIRST));
    const claimed = await claim();
    await finish(claimed);
    await store.sessions.reset(claimed.route.sessionKey, "command", NOW);
    assert.deepEqual((await change([edited(question(FIRST), "other")])).touched, []);
  });
});

describe("[H6a] a deletion after the answer", () => {
  it("deletes the answer of the last message of its turn", async () => {
    const { ask, claim, finish, change, deliver, texts } = build();
    await ask(question(FIRST, "one"), question(SECOND, "two"));
    await finish(await claim(), { texts: ["a", "b"] });
    await deliver();
    assert.deepEqual((await change([deleted(FIRST)])).channels, []);
    assert.deepEqual(await deliver(), []);
    assert.deepEqual((await change([deleted(SECOND)])).channels, [CHANNEL]);
    assert.deepEqual(await deliver(), ["delete 9001", "delete 9002"]);
    assert.ok(texts().every((text) => text.startsWith("[")));
    await change([deleted(FIRST, SECOND)]);
    assert.deepEqual(await deliver(), [], "a replay");
  });

  it("deletes the earlier answer of a turn that has begun anew", async () => {
    const { ask, claim, finish, change, deliver, states, store } = build();
    await ask(question(FIRST));
    await finish(await claim());
    await deliver();
    await change([edited(question(FIRST), "other")]);
    const again = await claim();
    await change([deleted(FIRST)]);
    assert.equal(store.inbox.isRunning(again), false);
    assert.deepEqual(await deliver(), ["delete 9001"]);
    assert.deepEqual(states(), ["cancelled"]);
  });

  it("removes the lines that quote the question, if the answer is to stay", async () => {
    const rules: EditRules = { ...RULES, of: () => ({ deletedQuestions: "keep" }) };
    const { ask, claim, finish, change, deliver, texts } = build(rules);
    await ask(question(FIRST, "When is low tide?"));
    await finish(await claim(), { texts: ["> when is low tide\nAt six.\n> other words"] });
    await deliver();
    await change([deleted(FIRST)]);
    assert.deepEqual(await deliver(), ["edit 9001 At six.\n> other words"]);
    assert.deepEqual(texts(), [
      "[The sender has deleted this message.]",
      "[not kept: a message that it read was changed or removed]",
    ]);
    await change([deleted(FIRST)]);
    assert.deepEqual(await deliver(), [], "a replay");
  });

  it("leaves the answer at Discord where the config says off", async () => {
    const { ask, claim, finish, change, deliver, texts } = build({ ...RULES, of: () => undefined });
    await ask(question(FIRST));
    await finish(await claim());
    await deliver();
    await change([deleted(FIRST)]);
    assert.deepEqual(await deliver(), []);
    assert.deepEqual(texts(), [
      "[The sender has deleted this message.]",
      "[not kept: a message that it read was changed or removed]",
    ], "Discord shows the answer, and no later turn reads it");
  });
});
