/** Tests that transcripts, summaries and notes follow the messages that they came from. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { partedText } from "../../../src/core/inbound/inbound.ts";
import type { Step } from "../../../src/core/step.ts";
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
import { ACCOUNT, channelId, messageId, userId } from "../../support/discord/builders.ts";
import { accepted, batch } from "../../support/store/store.ts";

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

  for (const [name, to] of [["an edit", edited], ["a deletion", deleted]] as const) {
    it(`${name} of a message that waits leaves none of its words in a turn that has read it`, async () => {
      const { ask, claim, finish, change, store, rows } = build();
      const asked = question(FIRST, "old words");
      const other = { agentId: "main", sessionKey: "agent:main:discord:channel:other" };
      await store.inbox.acceptBatch(
        batch({ judged: [accepted(question(THIRD, "it?"), other)] }),
        NOW,
      );
      const reading = await claim();
      await ask(asked);
      await ask({ ...question(SECOND, "that?"), quoted: { id: FIRST, text: "old words" } });
      const steps: readonly Step[] = [
        { kind: "answer", text: "", calls: [{ id: "1", name: "read", arguments: "{}" }], at: NOW },
        { kind: "result", callId: "1", end: "done", text: `${FIRST}: old words`, at: NOW },
        { kind: "result", callId: "2", end: "done", text: "low tide", at: NOW },
      ];
      await store.turns.addSteps(reading, steps, false);
      await change([to === edited ? edited(asked, "new words") : deleted(FIRST)]);
      const kept = (await store.turns.stepsOf(THIRD)).flatMap((step) =>
        step.kind === "result" ? [step.text] : []
      );
      assert.doesNotMatch(kept.join(), /old words|low tide/);
      await assert.rejects(finish(reading), "its end is not stored");
      await finish(await claim());
      const dump = () =>
        JSON.stringify(
          ["inbox", "entry", "step", "outbox"].map((table) => rows(`SELECT * FROM ${table}`)),
        );
      assert.doesNotMatch(dump(), /old words/);
      const next = await claim();
      if (to === edited) assert.equal(next.message.text, "new words");
      const quoted = next.also?.[0]?.quoted ?? next.message.quoted;
      assert.equal(quoted?.text, to === edited ? "new words" : "");
      await finish(next);
      assert.doesNotMatch(dump(), /old words/);
    });
  }

  it("a turn goes on if a message of the bot that it has not read is deleted, such as a draft", async () => {
    const { ask, claim, finish, change, database } = build();
    await ask(question(FIRST, "one"));
    await finish(await claim());
    const post = messageId(String(BigInt(FIRST) + 1n));
    database.exec(`UPDATE outbox SET state = 'sent', message_id = '${post}'`);
    await ask(question(SECOND, "two"));
    const running = await claim();
    await change([deleted(post)]);
    await finish(running);
  });

  for (const when of ["before a crash", "afterwards"] as const) {
    it(`of a turn elsewhere begins anew if it stores that it has read a deleted message: ${when}`, async () => {
      const { ask, claim, finish, change, store } = build();
      await ask(question(FIRST, "old words"));
      const other = { agentId: "main", sessionKey: "agent:main:discord:channel:other" };
      const message = { ...question(THIRD, "it?"), channelId: channelId("1400000000000000099") };
      await store.inbox.acceptBatch(batch({ judged: [accepted(message, other)] }), NOW);
      await finish(await claim());
      const reading = await claim();
      const calls = [{ id: "1", name: "read", arguments: "{}" }];
      const step = { kind: "answer", text: "old words", calls, read: [FIRST], at: NOW } as const;
      if (when === "before a crash") {
        await store.turns.addSteps(reading, [step], false);
        await store.inbox.voidClaims();
      }
      await change([deleted(FIRST)]);
      if (when === "afterwards") {
        await assert.rejects(store.turns.addSteps(reading, [step], false), /has ended/);
      }
      assert.doesNotMatch(JSON.stringify(await store.turns.stepsOf(THIRD)), /old words/);
      const again = await claim();
      assert.deepEqual([again.message.id, again.attempt], [THIRD, 2]);
      await finish(again);
    });
  }

  for (const how of ["deleted", "forgotten"] as const) {
    it(`words of an event go with a ${how} source, from its turn in another channel too`, async () => {
      const { claim, finish, change, store, rows } = build();
      const [author, id] = ["700000000000000009", messageId("1400000000000000150")] as const;
      const origin = {
        kind: "hook",
        hook: "h",
        count: 1,
        post: "secret post",
        of: [FIRST, author],
      } as const;
      const event = {
        hook: "h",
        key: "",
        title: "secret title",
        text: "secret text",
        isEnd: false,
      };
      const add = { ...event, post: "secret post", accountId: ACCOUNT, messageId: id };
      await store.hooks.add([{ ...add, sources: [FIRST, author] }], NOW);
      const run = await store.hooks.claim(ACCOUNT, "h", "", NOW);
      assert.equal(run?.messageId, id);
      const message = {
        ...question(id, "secret text, and secret words"),
        channelId: channelId("1400000000000000099"),
        origin,
      };
      const route = { agentId: "main", sessionKey: "agent:main:discord:channel:elsewhere" };
      await store.inbox.acceptBatch(batch({ judged: [accepted(message, route)] }), NOW);
      const claimed = await claim();
      await finish(claimed);
      if (how === "deleted") await change([deleted(FIRST)]);
      else await store.forgetting.forget(userId(author), false);
      const tables = ["inbox", "entry", "outbox", ...how === "forgotten" ? ["hook_event"] : []];
      for (const table of tables) {
        assert.doesNotMatch(JSON.stringify(rows(`SELECT * FROM ${table}`)), /secret/, table);
      }
    });
  }

  it("[X5] a part of unknown source goes with any person, and so do the words of its turn", async () => {
    const { ask, claim, finish, store, texts } = build();
    const known = { text: "mine", fence: "message", of: [FIRST] } as const;
    for (const [id, part] of [[FIRST, known], [SECOND, { text: "whose?" }]] as const) {
      await ask(question(id, "mine"));
      const stamp = { messageId: id, at: NOW };
      const user = { role: "user", ...partedText([part], "boundary1"), ...stamp } as const;
      await finish(await claim(), {
        entries: [user, { role: "assistant", text: `answer ${id}`, ...stamp }],
      });
    }
    await store.forgetting.forget(userId("700000000000000009"), false);
    const left = texts();
    assert.match(left[0] ?? "", /mine/);
    assert.match(left[1] ?? "", /answer/);
    assert.doesNotMatch(left.slice(2).join(), /whose|answer/);
  });
});
