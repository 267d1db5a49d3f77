/** Tests edits, deletions and stops of stored messages. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Claim, FinishedTurn, MessageChange } from "../../../src/core/inbound/inbox.ts";
import type { InboundMessage } from "../../../src/core/inbound/inbound.ts";
import { ACCOUNT, channelId, guildMessage, messageId } from "../../support/discord/builders.ts";
import { accepted, batch, frozen, ignored, openTestStore } from "../../support/store/store.ts";

const NOW = Date.UTC(2026, 0, 1);
const CHANNEL = channelId("11");

const question = (digits: string, text = "first") =>
  guildMessage({ id: messageId(digits), channelId: CHANNEL, text });
const edited = (message: InboundMessage, text: string, revision = 5): MessageChange => ({
  kind: "edited",
  message: { ...message, text, revision },
  verdict: { kind: "accept", why: "mentioned", rule: "rule" },
});
const deleted = (...ids: readonly string[]): MessageChange => ({
  kind: "deleted",
  channelId: CHANNEL,
  messageIds: ids.map(messageId),
});

function openInbox() {
  const test = openTestStore();
  const { store } = test;
  return {
    ...test,
    accept: (...messages: readonly InboundMessage[]) =>
      store.inbox.acceptBatch(batch({ judged: messages.map((one) => accepted(one)) }), NOW),
    change: (...changes: readonly MessageChange[]) =>
      store.inbox.acceptBatch(batch({ changes }), NOW),
    claim: () => store.inbox.claimNext(ACCOUNT, NOW, [], () => true),
    states: () =>
      Object.fromEntries(
        test.rows("SELECT message_id, state FROM inbox").map((
          row,
        ) => [row["message_id"], row["state"]]),
      ),
  };
}

function answered(claim: Claim, text = "the answer"): FinishedTurn {
  const entries = [{ role: "user", text, messageId: claim.message.id, at: NOW }] as const;
  return { claim, end: { kind: "answered" }, entries, outbox: [frozen()] };
}

describe("[H6] acceptBatch() with changes", () => {
  it("gives a waiting message its new text, once", async () => {
    const { accept, change, claim } = openInbox();
    await accept(question("100"));
    assert.deepEqual((await change(edited(question("100"), "second"))).touched, ["100"]);
    assert.deepEqual((await change(edited(question("100"), "second"))).touched, [], "a replay");
    assert.deepEqual((await change(edited(question("100"), "older", 4))).touched, []);
    const { message, attempt } = await claim() ?? {};
    assert.equal(message?.text, "second");
    assert.equal(message?.revision, 5);
    assert.equal(attempt, 1);
  });

  it("ends a running turn, which then begins anew with the new text and its steps", async () => {
    const { accept, change, claim, store, rows } = openInbox();
    await accept(question("100"));
    const first = await claim();
    assert.ok(first);
    await store.turns.addSteps(first, [{ kind: "begun", callId: "p1", at: NOW }], false);
    assert.deepEqual((await change(edited(question("100"), "second"))).touched, ["100"]);
    assert.equal(store.inbox.isRunning(first), false);
    assert.equal(await store.turns.finishTurn(answered(first), NOW), false);
    const again = await claim();
    assert.equal(again?.message.text, "second");
    assert.equal(again?.attempt, 2);
    assert.equal(rows("SELECT attempt FROM inbox")[0]?.["attempt"], 2, "a crash counts both");
    assert.equal((await store.turns.stepsOf(messageId("100"))).length, 1);
    assert.ok(again && await store.turns.finishTurn(answered(again), NOW));
  });

  it("begins a turn anew after an edit that comes together with a message and its edit", async () => {
    const { accept, claim, store } = openInbox();
    await accept(question("100"));
    assert.ok(await claim());
    const { touched } = await store.inbox.acceptBatch(
      batch({
        judged: [accepted(question("200"))],
        changes: [edited(question("200"), "third"), edited(question("100"), "second")],
      }),
      NOW,
    );
    assert.deepEqual(touched, ["200", "100"]);
    const again = await store.inbox.claimNext(ACCOUNT, NOW, []);
    assert.deepEqual([again?.message.text, again?.attempt], ["second", 2]);
    assert.ok(again && await store.turns.finishTurn(answered(again), NOW));
    assert.equal((await claim())?.message.text, "third");
  });

  for (const cut of ["100", "200"] as const) {
    it(`gives a turn of two messages to the other if ${cut} is deleted and memory is filled anew`, async () => {
      const { accept, change, claim, store } = openInbox();
      await accept(question("100"), question("200"));
      assert.equal((await claim())?.also?.length, 1);
      const other = cut === "100" ? "200" : "100";
      await store.inbox.acceptBatch(
        batch({
          judged: [accepted(question("300"))],
          changes: [edited(question("300"), "third"), deleted(cut)],
        }),
        NOW,
      );
      const again = await store.inbox.claimNext(ACCOUNT, NOW, []);
      assert.deepEqual([again?.message.id, again?.attempt], [other, 2]);
      await change(deleted(other));
      assert.equal((await claim())?.message.text, "third");
    });
  }

  it("never stores an answer to the text before an edit that is stored at the same time", async () => {
    const { accept, change, claim, store, rows } = openInbox();
    await accept(question("100"));
    const first = await claim();
    assert.ok(first);
    const changing = change(edited(question("100"), "second"));
    const finishing = store.turns.finishTurn(answered(first), NOW);
    await changing;
    assert.equal(await finishing, false);
    assert.deepEqual(rows("SELECT id FROM outbox"), []);
    assert.equal((await claim())?.message.text, "second");
  });

  it("cancels the turn of a deleted message, whether it waits or runs", async () => {
    const { accept, change, claim, states, store } = openInbox();
    await accept(question("100"), question("200"));
    const running = await store.inbox.claimNext(ACCOUNT, NOW, []);
    await change(deleted("100", "200"));
    assert.deepEqual(states(), { 100: "cancelled", 200: "cancelled" });
    assert.ok(running && !await store.turns.finishTurn(answered(running), NOW));
    assert.equal(await claim(), undefined);
  });

  it("cancels the turn if an edit takes the mention away, and keeps it for other reasons", async () => {
    const { accept, change, states } = openInbox();
    await accept(question("100"), question("200"));
    const ignoredFor = (id: string, why: "no-mention" | "sender-not-listed"): MessageChange => ({
      kind: "edited",
      message: { ...question(id, "x"), revision: 5 },
      verdict: { kind: "ignore", why, rule: "rule", keepAsContext: true },
    });
    await change(ignoredFor("100", "no-mention"), ignoredFor("200", "sender-not-listed"));
    assert.deepEqual(states(), { 100: "cancelled", 200: "waiting" });
  });

  it("records an edit after the answer, and starts no turn", async () => {
    const { accept, change, claim, store, rows } = openInbox();
    await accept(question("100"));
    const turn = await claim();
    assert.ok(turn);
    await store.turns.finishTurn(answered(turn), NOW);
    assert.deepEqual((await change(edited(question("100"), "second"))).touched, []);
    assert.equal(await claim(), undefined);
    assert.deepEqual(rows("SELECT change, message ->> '$.text' AS text FROM inbox"), [
      { change: "edited", text: "first" },
    ]);
  });

  it("starts no turn for a message that was not accepted, and changes it as context", async () => {
    const { store, change, claim } = openInbox();
    const heard = [question("100", "before"), question("101", "stays"), question("102", "goes")];
    await store.inbox.acceptBatch(batch({ judged: heard.map((one) => ignored(one)) }), NOW);
    await change(edited(question("100"), "after"), deleted("102"));
    assert.equal(await claim(), undefined);
    const key = { accountId: ACCOUNT, channelId: CHANNEL };
    const seen = await store.turns.overheard(key, "s", messageId("900"), 10);
    assert.deepEqual(seen.map(({ text }) => text), ["after", "stays"]);
  });

  it("removes the words of a deleted message from the transcript", async () => {
    const { accept, change, claim, store } = openInbox();
    await accept(question("100"));
    const turn = await claim();
    assert.ok(turn);
    await store.turns.finishTurn(answered(turn, "private words"), NOW);
    await change(deleted("100"));
    const [entry] = await store.turns.entriesOf(turn.route.sessionKey, 10);
    assert.doesNotMatch(entry?.text ?? "", /private/);
  });
});

describe("[S5] turns of several messages", () => {
  it("carries all that wait behind the first, and ends them together", async () => {
    const { accept, claim, store, rows } = openInbox();
    await accept(question("100"), question("200"), question("300"));
    const turn = await claim();
    assert.deepEqual(turn?.also?.map(({ id }) => id), ["200", "300"]);
    assert.equal(await claim(), undefined);
    assert.ok(turn);
    await store.turns.finishTurn(answered(turn), NOW);
    assert.deepEqual(rows("SELECT message_id, state, turn_of, reply_to FROM inbox"), [
      { message_id: "100", state: "answered", turn_of: null, reply_to: "300" },
      { message_id: "200", state: "answered", turn_of: "100", reply_to: "300" },
      { message_id: "300", state: "answered", turn_of: "100", reply_to: null },
    ]);
  });

  it("keeps its messages through a crash, and gets no more", async () => {
    const { accept, claim, store } = openInbox();
    await accept(question("100"), question("200"));
    await claim();
    await accept(question("300"));
    await store.inbox.voidClaims();
    const again = await claim();
    assert.equal(again?.attempt, 2);
    assert.deepEqual(again?.also?.map(({ id }) => id), ["200"]);
  });

  it("takes in a later message between two steps, and keeps that through a crash", async () => {
    const { accept, claim, store } = openInbox();
    await accept(question("100"));
    const turn = await claim();
    assert.ok(turn);
    await accept(question("200"));
    const joined = { kind: "joined", messageIds: [messageId("200")], at: NOW } as const;
    const taken = await store.inbox.takeIn(turn, NOW, () => true, () => [joined]);
    assert.deepEqual(taken?.also?.map(({ id }) => id), ["200"]);
    await store.inbox.voidClaims();
    assert.deepEqual((await claim())?.also?.map(({ id }) => id), ["200"]);
    assert.deepEqual(await store.turns.stepsOf(messageId("100")), [joined]);
  });

  it("[H6] gives the turn of a deleted message, with its steps, to the others", async () => {
    const { accept, change, claim, store } = openInbox();
    await accept(question("100"), question("200"), question("300"));
    const turn = await claim();
    assert.ok(turn);
    const calls = [{ id: "p1", name: "post", arguments: "{}" }];
    await store.turns.addSteps(turn, [
      { kind: "answer", text: "", calls, at: NOW },
      { kind: "begun", callId: "p1", at: NOW },
    ], false);
    await change(deleted("100"));
    const rest = await claim();
    assert.equal(rest?.message.id, "200");
    assert.deepEqual(rest?.also?.map(({ id }) => id), ["300"]);
    const ends = (await store.turns.stepsOf(messageId("200"))).map((step) =>
      "end" in step ? step.end : step.kind
    );
    assert.deepEqual(ends, ["answer", "unknown"], "the call does not run again");
    assert.ok(rest && await store.turns.finishTurn(answered(rest), NOW));
  });
});

describe("[S5] stops", () => {
  it("ends running and waiting messages of a channel, or only those of a user", async () => {
    const { accept, claim, store, states } = openInbox();
    const [mine, other] = [question("100"), question("200")];
    const theirs = { ...other, sender: { ...other.sender, id: "77" as typeof other.sender.id } };
    await accept(mine);
    await claim();
    await accept(theirs);
    const scope = { accountId: ACCOUNT, channelId: CHANNEL };
    const own = { ...scope, userId: mine.sender.id };
    assert.deepEqual(await store.inbox.stopTurns(own, NOW), ["100"]);
    assert.deepEqual(states(), { 100: "stopped", 200: "waiting" });
    assert.deepEqual(await store.inbox.stopTurns(scope, NOW), ["200"]);
    assert.equal(await claim(), undefined);
  });

  it("stops by a message in the transaction that stores it, and answers that once", async () => {
    const { accept, claim, store, states, rows } = openInbox();
    await accept(question("100"));
    await claim();
    const stop = { scope: { accountId: ACCOUNT, channelId: CHANNEL }, reply: [frozen()] };
    const judged = [{ ...accepted(question("200", "stop")), stop }];
    const first = await store.inbox.acceptBatch(batch({ judged }), NOW);
    assert.deepEqual(first.touched, ["100", "200"]);
    assert.deepEqual(first.accepted, []);
    await store.inbox.acceptBatch(batch({ judged }), NOW);
    assert.deepEqual(states(), { 100: "stopped", 200: "stopped" });
    assert.equal(rows("SELECT id FROM outbox").length, 1);
    assert.equal(await claim(), undefined);
  });

  it("leaves the word a message like any other if there is nothing to stop", async () => {
    const { claim, store } = openInbox();
    const stop = { scope: { accountId: ACCOUNT, channelId: CHANNEL }, reply: [frozen()] };
    await store.inbox.acceptBatch(
      batch({ judged: [{ ...accepted(question("200", "stop")), stop }] }),
      NOW,
    );
    assert.equal((await claim())?.message.id, "200");
  });
});

it("[S5] guilds take turns › lets no guild wait behind all messages of another one", async () => {
  const { store } = openInbox();
  const inGuild = (id: string, guild: string) =>
    accepted(
      { ...question(id), guildId: guild as NonNullable<InboundMessage["guildId"]> },
      { agentId: "main", sessionKey: `session ${id}` },
    );
  const busy = ["100", "101", "102", "103"].map((id) => inGuild(id, "1"));
  await store.inbox.acceptBatch(batch({ judged: [...busy, inGuild("200", "2")] }), NOW);
  const order: string[] = [];
  for (let turn = await store.inbox.claimNext(ACCOUNT, NOW, []); turn;) {
    order.push(turn.message.id);
    turn = await store.inbox.claimNext(ACCOUNT, NOW, []);
  }
  assert.deepEqual(order, ["100", "200", "101", "102", "103"]);
});
