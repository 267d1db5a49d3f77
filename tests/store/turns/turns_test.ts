import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { toAccountId } from "../../../src/core/discord/ids.ts";
import type {
  Entry,
  InboundMessage,
  PermittedReaction,
  ReactionRecord,
} from "../../../src/core/inbound/inbound.ts";
import type { Claim, FinishedTurn } from "../../../src/core/inbound/inbox.ts";
import type { Step } from "../../../src/core/step.ts";
import { createTranscripts } from "../../../src/store/turns/turns.ts";
import {
  ACCOUNT,
  guildMessage,
  messageId,
  outboundMessage,
  sender,
  userId,
} from "../../support/discord/builders.ts";
import { sameData } from "../../support/same_data.ts";
import { createStore, openDatabase } from "../../support/store/open_database.ts";
import {
  accepted,
  batch,
  frozen,
  ignored,
  openTestStore,
  ROUTE,
} from "../../support/store/store.ts";
import { createUngroupedTransactions } from "../../support/store/ungrouped.ts";

const NOW = Date.UTC(2026, 0, 1);
const question = guildMessage({ id: messageId("1400000000000000101") });

const entry = (role: "user" | "assistant", text: string): Entry => ({
  role,
  text,
  messageId: question.id,
  at: NOW,
});

async function openClaimed() {
  const test = openTestStore();
  await test.store.inbox.acceptBatch(batch({ judged: [accepted(question)] }), NOW);
  const claim = (await test.store.inbox.claimNext(ACCOUNT, NOW, []))!;
  return { ...test, claim };
}

const answered = (claim: Claim, fields: Partial<FinishedTurn> = {}): FinishedTurn => ({
  claim,
  end: { kind: "answered" },
  entries: [entry("user", "hello"), entry("assistant", "hello, Ada")],
  outbox: [frozen({ nonce: "a" }), frozen({ nonce: "b" })],
  ...fields,
});

const STATE = "SELECT state, failure_id, failure, finished_at FROM inbox";

describe("finishTurn()", () => {
  it("[D1] stores transcript, reply and the end of the wait in one transaction", async () => {
    const { store, rows, claim } = await openClaimed();
    assert.equal(await store.turns.finishTurn(answered(claim), NOW + 9), true);
    assert.deepEqual(rows(STATE), [
      { state: "answered", failure_id: null, failure: null, finished_at: NOW + 9 },
    ]);
    sameData(await store.turns.entriesOf(ROUTE.sessionKey, 10), answered(claim).entries);
    const [head] = await store.outbox.heads(ACCOUNT);
    assert.deepEqual(head?.message, outboundMessage({ nonce: "a" }));
    assert.equal((await store.health()).outbox.oldestUnsentAt, NOW + 9);
  });

  it("[D1] stores a failure's id for the sender and its reason for the operator", async () => {
    const { store, rows, claim } = await openClaimed();
    const end = { kind: "failed", failureId: "f-1", reason: "401 of the model" } as const;
    await store.turns.finishTurn(answered(claim, { end, entries: [] }), NOW);
    assert.deepEqual(rows(STATE), [
      { state: "failed", failure_id: "f-1", failure: "401 of the model", finished_at: NOW },
    ]);
  });

  it("[D2] stores no second end of a claim", async () => {
    const { store, rows, claim } = await openClaimed();
    await store.turns.finishTurn(answered(claim), NOW);
    const second = answered(claim, {
      end: { kind: "declined" },
      outbox: [frozen({ nonce: "other" })],
    });
    assert.equal(await store.turns.finishTurn(second, NOW + 1), false);
    assert.equal(rows("SELECT * FROM outbox").length, 2);
    assert.equal(rows("SELECT * FROM entry").length, 2);
    assert.equal(rows(STATE)[0]?.["state"], "answered");
  });

  it("[D2] stores no end of a claim that was voided or claimed again", async () => {
    const { store, rows, claim } = await openClaimed();
    await store.inbox.voidClaims(ACCOUNT);
    assert.equal(await store.turns.finishTurn(answered(claim), NOW), false);
    const again = (await store.inbox.claimNext(ACCOUNT, NOW, []))!;
    assert.equal(await store.turns.finishTurn(answered(claim), NOW), false);
    assert.deepEqual(rows("SELECT * FROM outbox"), []);
    assert.equal(await store.turns.finishTurn(answered(again), NOW), true);
  });

  it("[D1] stores no part of an end that cannot be stored whole", async () => {
    const { store, rows, claim } = await openClaimed();
    const twice = [frozen({ nonce: "a" }), frozen({ nonce: "a" })];
    await assert.rejects(store.turns.finishTurn(answered(claim, { outbox: twice }), NOW), /UNIQUE/);
    assert.deepEqual(rows("SELECT * FROM outbox"), []);
    assert.deepEqual(rows("SELECT * FROM entry"), []);
    assert.equal(rows(STATE)[0]?.["state"], "running");
  });
});

const CALL = { id: "call_1", name: "tide", arguments: '{"port":"Hull"}' };
const ANSWER: Step = { kind: "answer", text: "Let me look.", calls: [CALL], at: NOW };
const BEGUN: Step = { kind: "begun", callId: CALL.id, at: NOW + 1 };
const RESULT: Step = { kind: "result", callId: CALL.id, end: "done", text: "high\0 tide", at: NOW };

async function stepsOpenClaimed() {
  const test = openTestStore();
  await test.store.inbox.acceptBatch(batch({ judged: [accepted(question)] }), NOW);
  const claim = await test.store.inbox.claimNext(ACCOUNT, NOW, []);
  assert.ok(claim);
  return { ...test, claim };
}

describe("[D1] steps of a turn", () => {
  it("count the claim, so the next process knows that a turn has begun", async () => {
    const { store, rows, claim } = await stepsOpenClaimed();
    await store.turns.addSteps(claim, [ANSWER], false);
    assert.deepEqual(rows("SELECT state, attempt FROM inbox"), [{ state: "running", attempt: 1 }]);
  });

  it("survive a kill together with their claim", async () => {
    const { store, database } = openTestStore();
    await store.inbox.claimNext(ACCOUNT, NOW, []); // from now on, memory has the queue
    const behind = guildMessage({ id: messageId("1400000000000000102") });
    await store.outbox.heads(ACCOUNT, [question.channelId]);
    for (const message of [question, behind]) {
      await store.inbox.acceptBatch(batch({ judged: [accepted(message)] }), NOW);
    }
    const claim = (await store.inbox.claimNext(ACCOUNT, NOW, [], () => true))!;
    await store.turns.addSteps(claim, [ANSWER, BEGUN], true);
    const next = createStore(database, ":memory:", { elapsed: () => 0 }); // after the kill
    assert.equal(await next.inbox.voidClaims(), 2);
    const again = (await next.inbox.claimNext(ACCOUNT, NOW, []))!;
    assert.deepEqual(again, { ...claim, attempt: 2 });
    assert.deepEqual(await next.turns.stepsOf(question.id), [ANSWER, BEGUN]);
  });

  it("are refused once the turn has ended", async () => {
    const { store, claim } = await stepsOpenClaimed();
    const end = { kind: "declined" } as const;
    await store.turns.finishTurn({ claim, end, entries: [], outbox: [] }, NOW);
    await assert.rejects(store.turns.addSteps(claim, [ANSWER], false), /turn .* has ended/);
    assert.deepEqual(await store.turns.stepsOf(question.id), []);
  });

  it("are in the transcript with their calls, and the last ones are stored with its end", async () => {
    for (const files of [[], [{ name: "tides.txt", bytes: new Uint8Array(3) }]]) {
      const { store, claim } = await stepsOpenClaimed();
      await store.turns.addSteps(claim, [ANSWER], false);
      const stamp = { messageId: question.id, at: NOW };
      const entries = [
        { role: "user", text: "When is high tide?", ...stamp },
        { role: "assistant", text: "Let me look.", calls: [CALL], ...stamp },
        { role: "tool", text: "high tide", call: CALL, ...stamp },
        { role: "assistant", text: "At noon.", ...stamp },
      ] as const;
      await store.turns.finishTurn({
        claim,
        end: { kind: "answered" },
        entries,
        steps: [RESULT],
        outbox: [frozen({ nonce: "a" }, { files })],
      }, NOW);
      assert.deepEqual(await store.turns.stepsOf(question.id), [ANSWER, RESULT]);
      sameData(await store.turns.entriesOf(ROUTE.sessionKey, 10), entries);
    }
  });
});

const CHANNEL = guildMessage().channelId;
const KEY = { accountId: ACCOUNT, channelId: CHANNEL };
const SECOND = toAccountId("second");

/** Messages with rising ids; the first id has one digit less than the others. */
const messageOf = (digits: string, fields: Partial<InboundMessage> = {}) =>
  guildMessage({ id: messageId(digits), text: `said ${digits}`, ...fields });

const call = { id: "c", name: "n", arguments: "{}" };

async function openContext(...ids: readonly string[]) {
  const test = openTestStore();
  await test.store.inbox.acceptBatch(
    batch({ judged: ids.map((id) => ignored(messageOf(id))) }),
    NOW,
  );
  /** Accepts a message with this id, and returns the ids that its turn would see. */
  const heardBy = async (id: string, limit = 20) => {
    await test.store.inbox.acceptBatch(batch({ judged: [accepted(messageOf(id))] }), NOW);
    const heard = await test.store.turns.overheard(KEY, ROUTE.sessionKey, messageId(id), limit);
    return heard.map(({ messageId }) => messageId);
  };
  const end = async (kind: "answered" | "failed", calls = 0) => {
    const claim = (await test.store.inbox.claimNext(ACCOUNT, NOW, []))!;
    const at = { messageId: claim.message.id, at: NOW };
    await test.store.turns.finishTurn({
      claim,
      end: kind === "failed" ? { kind, failureId: "f", reason: "r" } : { kind },
      entries: kind === "failed" ? [] : [
        { role: "user", text: "?", ...at },
        ...Array.from({ length: calls }, (): Entry => ({ role: "tool", text: "", call, ...at })),
        { role: "assistant", text: "!", ...at },
      ],
      outbox: [],
    }, NOW);
  };
  return { ...test, heardBy, end };
}

describe("overheard()", () => {
  it("[H1] returns the newest messages before another, and compares ids as numbers", async () => {
    const { heardBy } = await openContext("9", "10", "11", "100", "300");
    assert.deepEqual(await heardBy("200"), ["9", "10", "11", "100"]);
    assert.deepEqual(await heardBy("200", 2), ["11", "100"]);
    assert.deepEqual(await heardBy("200", 0), []);
  });

  it("[H1] returns only messages that the session does not have yet", async () => {
    const { heardBy, end } = await openContext("10", "11", "31");
    assert.deepEqual(await heardBy("20"), ["10", "11"]);
    await end("answered");
    assert.deepEqual(await heardBy("30"), []);
    assert.deepEqual(await heardBy("40"), ["31"]);
  });

  it("[H1] returns messages again after a failed turn", async () => {
    const { heardBy, end } = await openContext("10");
    await heardBy("20");
    await end("failed");
    assert.deepEqual(await heardBy("30"), ["10"]);
  });

  it("[P10] returns no message to an account that only another one may read", async () => {
    const { store, heardBy } = await openContext("10");
    const judged = [ignored(messageOf("11", { accountId: SECOND }))];
    await store.inbox.acceptBatch(batch({ accountId: SECOND, judged }), NOW);
    assert.deepEqual(await heardBy("20"), ["10"]);
  });

  it("[H1] returns author, text, reply and time", async () => {
    const { store } = openTestStore();
    const message = messageOf("10", {
      sender: sender({ tag: "ada#1234" }),
      quoted: { id: messageId("9"), text: "before" },
    });
    await store.inbox.acceptBatch(
      batch({ judged: [ignored(message), accepted(messageOf("20"))] }),
      NOW,
    );
    assert.deepEqual(await store.turns.overheard(KEY, "s", messageId("20"), 1), [{
      messageId: "10",
      tag: "ada#1234",
      authorId: message.sender.id,
      text: "said 10",
      replyTo: "9",
      sentAt: message.sentAt,
    }]);
  });
});

const { channelId: REACTIONS_CHANNEL } = guildMessage();
const TURN = messageId("1400000000000000301");
const NEXT = messageId("1400000000000000302");

function reaction(fields: Partial<PermittedReaction> = {}): PermittedReaction {
  return {
    change: "added",
    channelId: REACTIONS_CHANNEL,
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

const AT = Date.UTC(2026, 0, 1);

const transcriptsEntry = (text: string): Entry => ({
  role: "user",
  text,
  messageId: messageId("1"),
  at: AT,
});

/** Transcripts that count their reads of the table. */
function transcriptsOpen() {
  const database = openDatabase();
  const transactions = createUngroupedTransactions(database);
  const { read } = transactions;
  let reads = 0;
  const transcripts = createTranscripts({
    ...transactions,
    read: (work) => {
      reads++;
      return read(work);
    },
  });
  return {
    ...transcripts,
    reads: () => reads,
    say(sessionKey: string, ...texts: readonly string[]) {
      const entries = texts.map(transcriptsEntry);
      const remember = transcripts.storing(sessionKey);
      transcripts.insert({ agentId: "main", sessionKey, channelId: "11" }, entries);
      remember(entries);
    },
    /** Ends a turn. Other work happens before or after the table has its entries. */
    async sayDuring(
      sessionKey: string,
      texts: readonly string[],
      when: "before" | "after",
      work: () => Promise<void>,
    ) {
      const entries = texts.map(transcriptsEntry);
      const remember = transcripts.storing(sessionKey);
      if (when === "before") await work();
      transcripts.insert({ agentId: "main", sessionKey, channelId: "11" }, entries);
      if (when === "after") await work();
      remember(entries);
    },
    /** The entries as a new process reads them. */
    inTable: (sessionKey: string, limit: number, maxChars?: number) =>
      createTranscripts(transactions).entriesOf(sessionKey, limit, maxChars),
  };
}

describe("createTranscripts()", () => {
  it("[S1] [H2] returns from memory exactly the entries of the table", async () => {
    const session = fc.constantFrom("a", "b");
    const text = fc.integer({ min: 0, max: 4 }).map((length) => "x".repeat(length));
    const say = fc.record({
      kind: fc.constant("say" as const),
      session,
      texts: fc.array(text, { maxLength: 20, size: "max" }),
    });
    const sayDuring = fc.record({
      kind: fc.constant("sayDuring" as const),
      session,
      texts: fc.array(text, { maxLength: 3 }),
      when: fc.constantFrom("before" as const, "after" as const),
      isForgotten: fc.boolean(),
      limit: fc.integer({ min: 0, max: 40 }),
    });
    const ask = fc.record({
      kind: fc.constant("ask" as const),
      session,
      limit: fc.integer({ min: 0, max: 40 }),
      maxChars: fc.oneof(fc.constant(Infinity), fc.integer({ min: 0, max: 60 })),
    });
    const steps = fc.array(
      fc.oneof(
        { weight: 4, arbitrary: say },
        { weight: 8, arbitrary: ask },
        { weight: 2, arbitrary: sayDuring },
        { weight: 1, arbitrary: fc.record({ kind: fc.constant("forget" as const) }) },
      ),
      { maxLength: 60, size: "max" },
    );
    await fc.assert(fc.asyncProperty(steps, async (all) => {
      const transcripts = transcriptsOpen();
      let number = 0;
      for (const step of all) {
        if (step.kind === "forget") transcripts.forget();
        else if (step.kind === "say") {
          transcripts.say(step.session, ...step.texts.map((text) => `${++number % 10}${text}`));
        } else if (step.kind === "sayDuring") {
          const texts = step.texts.map((text) => `${++number % 10}${text}`);
          await transcripts.sayDuring(step.session, texts, step.when, async () => {
            if (step.isForgotten) transcripts.forget();
            await transcripts.entriesOf(step.session, step.limit);
          });
        } else {
          const { session, limit, maxChars } = step;
          assert.deepEqual(
            await transcripts.entriesOf(session, limit, maxChars),
            await transcripts.inTable(session, limit, maxChars),
          );
        }
      }
    }));
  });
});
