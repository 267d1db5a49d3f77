import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type ChannelId, type MessageId } from "../../../src/core/discord/ids.ts";
import type { Claim, FinishedTurn } from "../../../src/core/inbound/inbox.ts";
import { nonceOf, type OutboxAction, type OutboxRow } from "../../../src/core/outbound/outbound.ts";
import { ACCOUNT, channelId, guildMessage, messageId } from "../../support/discord/builders.ts";
import { cases } from "../../support/long_form.ts";
import { sameData } from "../../support/same_data.ts";
import { accepted, batch, frozen, openTestStore, part } from "../../support/store/store.ts";

const NOW = Date.UTC(2026, 0, 1);
const MESSAGE = messageId("1400000000000000077");

describe("the action of a row", () => {
  const edit: OutboxAction = { kind: "edit", messageId: MESSAGE };
  const remove: OutboxAction = { kind: "delete", messageId: MESSAGE };
  const post: OutboxAction = { kind: "post" };
  const nothing: OutboxAction = { kind: "nothing" };

  /** By the state of the draft. */
  const TABLE: readonly (readonly [
    state: string | undefined,
    messageId: string | null,
    becomesThis: OutboxAction,
    becomesNothing: OutboxAction,
  ])[] = [
    ["sent", MESSAGE, edit, remove],
    ["sent", null, nothing, nothing], // deleted before Discord told its id
    ["dead", null, post, nothing],
    ["withdrawn", null, post, nothing],
    ["dropped", null, post, nothing],
    ["uncertain", null, post, nothing],
    [undefined, null, post, nothing],
  ];
  for (const [state = "none", id, becomesThis, becomesNothing] of TABLE) {
    it(`[R8] is ${becomesThis.kind} or ${becomesNothing.kind} of a draft that is ${state}${id ? "" : ", without an id"}`, async () => {
      for (const becomes of ["this", "nothing"] as const) {
        const { database, store } = openTestStore();
        if (state !== "none") {
          await store.outbox.add(frozen({ nonce: "draft", of: part("1", { kind: "draft" }) }), NOW);
          database.prepare("UPDATE outbox SET state = ?, message_id = ?").run(state, id);
        }
        await store.outbox.add(
          frozen({ nonce: "final" }, { draft: { nonce: "draft", becomes } }),
          NOW,
        );
        const [head] = await store.outbox.heads(ACCOUNT);
        assert.equal(head?.message.nonce, "final");
        assert.deepEqual(head.action, becomes === "this" ? becomesThis : becomesNothing);
      }
    });
  }

  it("[R8] depends on the draft, which is settled first", async () => {
    const { store: { outbox } } = openTestStore();
    const draft = await outbox.add(frozen({ nonce: "draft", of: part("1", { kind: "draft" }) }), 1);
    await outbox.add(
      frozen({ nonce: "final" }, { draft: { nonce: "draft", becomes: "this" } }),
      NOW,
    );
    assert.deepEqual((await outbox.heads(ACCOUNT)).map(({ id }) => id), [draft.id]);
    await outbox.markSending(draft, NOW);
    assert.deepEqual((await outbox.heads(ACCOUNT)).map(({ id }) => id), [draft.id]);
    await outbox.markSent(draft, MESSAGE);
    const [head] = await outbox.heads(ACCOUNT);
    assert.deepEqual(head?.action, edit);
  });
});

const HERE = channelId("1400000000000000005");
const ELSEWHERE = channelId("1400000000000000006");

function openTurns(options: Parameters<typeof openTestStore>[0] = {}) {
  const test = openTestStore(options);
  const { store, rows } = test;
  let asked = 1_000;

  /** Accepts and claims another message. */
  async function begin(channel: ChannelId = HERE): Promise<Claim> {
    const id = messageId(String(++asked));
    const message = guildMessage({ id, channelId: channel });
    const route = { agentId: "main", sessionKey: `of ${id}` };
    await store.inbox.acceptBatch(batch({ judged: [accepted(message, route)] }), NOW);
    const claim = (await store.inbox.claimNext(ACCOUNT, NOW, []))!;
    await store.outbox.heads(ACCOUNT); // as at a start: no answer is stored with an intent
    return claim;
  }

  async function answer(parts = 1, maxWaiting?: number, channel: ChannelId = HERE) {
    const turn = turnOf(await begin(channel), parts);
    return await store.turns.finishTurn(turn, NOW, maxWaiting);
  }

  const states = () =>
    rows("SELECT message ->> '$.content' AS words, state FROM outbox ORDER BY id")
      .map(({ words, state }) => `${words} ${state}`);
  const dropped = () => states().filter((one) => one.endsWith("dropped")).length;
  return { ...test, begin, answer, states, dropped };
}

function turnOf(claim: Claim, parts: number, fields: Partial<FinishedTurn> = {}): FinishedTurn {
  const { id, channelId: channel } = claim.message;
  const words = Array.from({ length: parts }, (_, index) => `${id}.${index}`);
  const outbox = words.map((content, index) => {
    const of = part(id, { part: index, parts });
    return frozen({ nonce: nonceOf(of, index), channelId: channel, content, of });
  });
  return { claim, end: { kind: "answered" }, entries: [], outbox, ...fields };
}

describe("[D4] a full queue", () => {
  it("drops an answer only if more messages than its bound would wait in the channel", async () => {
    const { answer, dropped } = openTurns();
    for (const channel of [HERE, ELSEWHERE, HERE, ELSEWHERE, HERE]) {
      assert.ok(await answer(1, 3, channel));
    }
    assert.equal(dropped(), 0);
    assert.ok(await answer(1, 3));
    assert.ok(await answer(9), "without a bound, all of them wait");
    assert.equal(dropped(), 1);
  });

  it("counts no message that is being sent, and no draft", async () => {
    const { store, begin, answer, dropped } = openTurns();
    await answer(1, 2);
    const [head] = await store.outbox.heads(ACCOUNT);
    await store.outbox.markSending(head!, NOW);
    await answer(1, 2);
    const { message: { id } } = await begin();
    const draft = part(id, { kind: "draft" });
    await store.outbox.add(frozen({ nonce: "draft", channelId: HERE, of: draft }), NOW);
    await answer(1, 2);
    assert.equal(dropped(), 0);
    await answer(1, 2);
    assert.equal(dropped(), 1);
  });
});

describe("the drafts of a turn", () => {
  async function openDraft(state: "untried" | "refused" | "open" | "there" | "gone" | "dead") {
    const test = openTurns();
    const { store } = test;
    const claim = await test.begin();
    const of = part(claim.message.id, { kind: "draft" });
    const row = await store.outbox.add(
      frozen({ nonce: nonceOf(of, 0), channelId: HERE, content: "10…", of }),
      NOW,
    );
    if (state !== "untried") await store.outbox.markSending(row, NOW);
    if (state === "refused") await store.outbox.markRefused(row, "later", NOW);
    if (state === "there") await store.outbox.markSent(row, messageId("77"));
    if (state === "gone") await store.outbox.markSent(row);
    if (state === "dead") await store.outbox.markDead(row, "never");
    return { ...test, claim, row };
  }

  const TABLE: readonly (readonly [
    state: Parameters<typeof openDraft>[0],
    states: readonly string[],
    action: OutboxRow["action"],
  ])[] = [
    ["untried", ["10… withdrawn", "1001.0 pending"], { kind: "post" }],
    ["refused", ["10… withdrawn", "1001.0 pending"], { kind: "post" }],
    ["open", ["10… sending", "1001.0 pending"], { kind: "post" }], // the draft's own
    ["there", ["10… sent", "1001.0 pending"], { kind: "edit", messageId: messageId("77") }],
    ["gone", ["10… sent", "1001.0 pending"], { kind: "nothing" }],
    ["dead", ["10… dead", "1001.0 pending"], { kind: "post" }],
  ];
  for (const [state, states, action] of TABLE) {
    it(`[R8] are replaced if one is ${state}`, async () => {
      const test = await openDraft(state);
      await test.store.turns.finishTurn(turnOf(test.claim, 1), NOW);
      assert.deepEqual(test.states(), states);
      const [head] = await test.store.outbox.heads(ACCOUNT);
      assert.deepEqual(head?.action, action);
      assert.equal(head.message.content, state === "open" ? "10…" : "1001.0");
    });
  }

  it("[R8] are removed if the turn fails, or if its answer is dropped", async () => {
    for (const parts of [0, 2]) {
      const { store, claim, answer } = await openDraft("there");
      await answer(1);
      await store.turns.finishTurn(turnOf(claim, parts), NOW, 1);
      const actions: OutboxRow["action"]["kind"][] = [];
      for (;;) {
        const [head] = await store.outbox.heads(ACCOUNT);
        if (!head) break;
        actions.push(head.action.kind);
        await store.outbox.markSent(head, messageId("78"));
      }
      assert.deepEqual(actions.toSorted(), ["delete", "post"], `${parts}`);
    }
  });

  it("[R8] [H6] belong to the message, in each revision, and the agent, and to no others", async () => {
    const { store, claim, states } = await openDraft("there");
    const { id } = claim.message;
    const others = [
      part(id, { kind: "draft", revision: 1 }),
      part(id, { kind: "draft", agentId: "other" }),
      part("99", { kind: "draft" }),
    ];
    for (const of of others) {
      await store.outbox.add(
        frozen({ nonce: nonceOf(of, 0), channelId: HERE, content: "other", of }),
        NOW,
      );
    }
    await store.turns.finishTurn(turnOf(claim, 1), NOW);
    assert.deepEqual(states(), [
      "10… sent",
      "other withdrawn", // of another revision: an edit began the turn anew
      "other pending",
      "other pending",
      "1001.0 pending",
    ]);
  });
});

/** A simulated channel of Discord. */
function createChannel() {
  const messages = new Map<MessageId, string>();
  let next = 5_000;
  return {
    words: () => [...messages.values()].flatMap((text) => text.split(" ")),
    carryOut({ action, message: { content } }: OutboxRow): MessageId | undefined {
      switch (action.kind) {
        case "nothing":
          return undefined;
        case "delete":
          messages.delete(action.messageId);
          return action.messageId;
        case "edit":
          messages.set(action.messageId, content);
          return action.messageId;
        case "post": {
          const id = messageId(String(++next));
          messages.set(id, content);
          return id;
        }
      }
    },
  };
}

const step = fc.oneof(
  fc.record({
    do: fc.constant("answer" as const),
    parts: fc.integer({ min: 1, max: 3 }),
    drafts: fc.nat({ max: 4 }),
    hasBound: fc.boolean(),
  }),
  fc.record({ do: fc.constantFrom("send", "refuse", "ask", "park", "unpark") }),
);

it("[D1] [D4] the messages of a channel › are each sent exactly once and in order, or on record as dropped", async () => {
  const property = fc.asyncProperty(
    fc.integer({ min: 1, max: 6 }),
    fc.array(step, { maxLength: 40 }),
    async (maxWaiting, steps) => {
      const { store, begin, rows } = openTurns();
      const { outbox } = store;
      const channel = createChannel();
      const all: string[] = [];

      async function finishOne(): Promise<void> {
        const [row] = await outbox.heads(ACCOUNT);
        if (row && await outbox.markSending(row, NOW)) {
          await outbox.markSent(row, channel.carryOut(row));
        }
      }

      for (const one of steps) {
        const [row] = await outbox.heads(ACCOUNT);
        switch (one.do) {
          case "answer": {
            const claim = await begin();
            for (let index = 0; index < one.drafts; index++) {
              const of = part(claim.message.id, { kind: "draft", part: index, parts: index + 1 });
              const nonce = nonceOf(of, index);
              await outbox.add(frozen({ nonce, channelId: HERE, content: "…", of }), NOW);
              if (index % 2 === 1) await finishOne();
            }
            const turn = turnOf(claim, one.parts);
            all.push(...turn.outbox.map(({ message: { content } }) => content));
            await store.turns.finishTurn(turn, NOW, one.hasBound ? maxWaiting : undefined);
            break;
          }
          case "send":
            await finishOne();
            break;
          case "refuse":
            if (row && await outbox.markSending(row, NOW)) {
              await outbox.markRefused(row, "later", NOW);
            }
            break;
          case "ask":
            if (row) await outbox.markSending(row, NOW);
            break;
          case "park":
            await outbox.park(ACCOUNT, HERE, { reason: "denied", now: NOW, nextTryAt: NOW });
            break;
          default:
            await outbox.unpark(ACCOUNT, "all");
        }
      }
      await outbox.unpark(ACCOUNT, "all");
      while ((await outbox.heads(ACCOUNT)).length > 0) await finishOne();

      const dropped = new Set(
        rows("SELECT message ->> '$.content' AS words FROM outbox WHERE state = 'dropped'")
          .map(({ words }) => words),
      );
      assert.deepEqual(channel.words(), all.filter((word) => !dropped.has(word)));
      const over = rows("SELECT DISTINCT state FROM outbox").map(({ state }) => String(state));
      const ends = ["sent", "dropped", "withdrawn"];
      assert.deepEqual(over.filter((state) => !ends.includes(state)), []);
      assert.deepEqual(rows("SELECT * FROM outbox_file"), []);
    },
  );
  await fc.assert(property, { numRuns: cases(60, 1_500) });
});

const CHANNEL = channelId("11");

async function oneRow(nonce = "") {
  const { store, database } = openTestStore();
  const row = await store.outbox.add(frozen({ nonce, channelId: CHANNEL }), NOW);
  const setState = (state: string) =>
    database.prepare("UPDATE outbox SET state = ?, refusal = 'no'").run(state);
  return { outbox: store.outbox, row, setState };
}

describe("sendResultsOf()", () => {
  it("[D2] returns waiting and sent messages", async () => {
    const { outbox, row } = await oneRow();
    sameData(await outbox.sendResultsOf([row.id]), [{ id: row.id, kind: "waits" }]);
    await outbox.markSending(row, NOW);
    await outbox.markSent(row, messageId("77"));
    assert.deepEqual(await outbox.sendResultsOf([row.id]), [
      { id: row.id, kind: "sent", messageId: "77" },
    ]);
  });

  const kinds = [
    ["pending", "waits"],
    ["sending", "waits"],
    ["uncertain", "held"],
    ["dead", "failed"],
    ["dropped", "failed"],
  ] as const;
  for (const [state, kind] of kinds) {
    it(`returns "${kind}" for a row that is ${state}, with Discord's last refusal`, async () => {
      const { outbox, row, setState } = await oneRow();
      setState(state);
      assert.deepEqual(await outbox.sendResultsOf([row.id]), [{ id: row.id, kind, reason: "no" }]);
    });
  }

  it("[R11] prefers the reason why the channel is parked to Discord's refusal", async () => {
    const { outbox, row, setState } = await oneRow();
    setState("pending");
    await outbox.park(ACCOUNT, CHANNEL, { reason: "denied", now: NOW, nextTryAt: NOW });
    assert.deepEqual(await outbox.sendResultsOf([row.id]), [
      { id: row.id, kind: "waits", reason: "denied" },
    ]);
  });
});
