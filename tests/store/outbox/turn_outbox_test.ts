import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { ChannelId, MessageId } from "../../../src/core/discord/ids.ts";
import type { Claim, FinishedTurn } from "../../../src/core/inbound/inbox.ts";
import { nonceOf } from "../../../src/core/outbound/nonce.ts";
import type { Frozen, OutboxRow } from "../../../src/core/outbound/outbound.ts";
import type { PlanQueue, QueuePlan, Waiting } from "../../../src/core/outbound/queue.ts";
import { ACCOUNT, channelId, guildMessage, messageId } from "../../support/discord/builders.ts";
import { accepted, batch, frozen, openTestStore, part } from "../../support/store/store.ts";
import { cases } from "../../support/long_form.ts";

const NOW = Date.UTC(2026, 0, 1);
const HERE = channelId("1400000000000000005");
const ELSEWHERE = channelId("1400000000000000006");
const STORED = { stored: true, folded: 0, dropped: 0 };

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

  async function answer(parts = 1, queue?: PlanQueue, channel: ChannelId = HERE) {
    const turn = turnOf(await begin(channel), parts);
    return await store.turns.finishTurn(turn, NOW, queue);
  }

  const states = () =>
    rows("SELECT message ->> '$.content' AS words, state FROM outbox ORDER BY id")
      .map(({ words, state }) => `${words} ${state}`);
  return { ...test, begin, answer, states };
}

function turnOf(claim: Claim, parts: number, fields: Partial<FinishedTurn> = {}): FinishedTurn {
  const { id, channelId: channel } = claim.message;
  const words = Array.from({ length: parts }, (_, index) => `${id}.${index}`);
  const outbox = words.map((content, index) => {
    const of = part(id, { part: index, parts });
    return frozen(
      { nonce: nonceOf(of, index), channelId: channel, content, of },
      index === 0 && parts > 1 ? { whole: words.join(" ") } : {},
    );
  });
  return { claim, end: { kind: "answered" }, entries: [], outbox, ...fields };
}

/** A queue with a plan, and a record of its calls. */
function planning(maxQueueSize: number, decide: PlanQueue["plan"]) {
  const asked: { waiting: readonly Waiting[]; incoming: readonly Frozen[] }[] = [];
  const queue: PlanQueue = {
    maxQueueSize,
    plan(waiting, incoming) {
      asked.push({ waiting, incoming });
      return decide(waiting, incoming);
    },
  };
  return { queue, asked };
}

const wordsOf = (all: readonly (Waiting | Frozen)[]) =>
  all.flatMap(({ message, whole }) => {
    if (message.of && message.of.part > 0) return [];
    return (whole ?? message.content).split(" ");
  });

/** Folds the waiting rows, from the row `from` on, with the new messages. */
function foldOf(waiting: readonly Waiting[], incoming: readonly Frozen[]): QueuePlan {
  const words = wordsOf([...waiting, ...incoming]).join(" ");
  const { channelId: channel, of } = incoming[0]!.message;
  const folded = part(of!.cause, { kind: "folded" });
  return {
    kind: "fold",
    into: frozen(
      { nonce: nonceOf(folded, 0), channelId: channel, content: words, of: folded },
      { whole: words, files: [{ name: "answers.md", bytes: new TextEncoder().encode(words) }] },
    ),
    rows: waiting.map(({ id }) => id),
    answers: 1,
  };
}

const mustNotPlan = () => assert.fail("The queue has room");

describe("a full queue", () => {
  it("[D4] needs a plan only if more than `maxQueueSize` would wait in the channel", async () => {
    const { answer, states } = openTurns();
    const { queue } = planning(3, mustNotPlan);
    for (const channel of [HERE, ELSEWHERE, HERE, ELSEWHERE, HERE]) {
      assert.deepEqual(await answer(1, queue, channel), STORED);
    }
    assert.equal(states().length, 5);
    await assert.rejects(answer(1, queue), /has room/);
    assert.equal(states().length, 5, "no part of such a turn is stored");
  });

  it("[D4] counts no message that is being sent, and no draft", async () => {
    const { store, begin, answer } = openTurns();
    const { queue, asked } = planning(2, () => ({ kind: "add" }));
    await answer(1, queue);
    const [head] = await store.outbox.heads(ACCOUNT);
    await store.outbox.markSending(head!, NOW);
    await answer(1, queue);
    const { message: { id } } = await begin();
    const draft = part(id, { kind: "draft" });
    await store.outbox.add(frozen({ nonce: "draft", channelId: HERE, of: draft }), NOW);
    await answer(1, queue);
    assert.deepEqual(asked, []);
    await answer(1, queue);
    assert.equal(asked.length, 1);
  });

  it("[D4] keeps dropped messages on record, and sends none", async () => {
    const { store, answer, rows, states } = openTurns();
    const { queue } = planning(1, () => ({ kind: "drop", reason: "51 wait" }));
    await answer(1, queue);
    assert.deepEqual(await answer(2, queue), { stored: true, folded: 0, dropped: 2 });
    assert.deepEqual(states(), ["1001.0 pending", "1002.0 dropped", "1002.1 dropped"]);
    assert.equal(rows("SELECT * FROM outbox WHERE refusal = '51 wait'").length, 2);
    const inbox = rows("SELECT state FROM inbox ORDER BY id").map(({ state }) => state);
    assert.deepEqual(inbox, ["answered", "answered"]);
    assert.equal((await store.outbox.heads(ACCOUNT))[0]?.message.content, "1001.0");
  });

  it("[D4] stores the row with each folded message's text, and deletes files", async () => {
    const { store, answer, rows, states } = openTurns();
    const { queue, asked } = planning(3, foldOf);
    await answer(1, queue);
    await answer(2, queue);
    assert.deepEqual(await answer(2, queue), { stored: true, folded: 5, dropped: 0 });
    assert.deepEqual(asked[0]?.waiting.map(({ id, whole, fileCount }) => [id, whole, fileCount]), [
      [1, undefined, 0],
      [2, "1002.0 1002.1", 0],
      [3, undefined, 0],
    ]);
    assert.deepEqual(states(), [
      "1001.0 folded",
      "1002.0 folded",
      "1002.1 folded",
      "1001.0 1002.0 1002.1 1003.0 1003.1 pending",
      "1003.0 folded",
      "1003.1 folded",
    ]);
    assert.equal(rows("SELECT * FROM outbox WHERE folded_into = 4").length, 5);

    await answer(2, queue);
    assert.deepEqual(await answer(2, queue), { stored: true, folded: 5, dropped: 0 });
    const [head, none] = await store.outbox.heads(ACCOUNT);
    assert.equal(none, undefined);
    assert.equal(
      head?.message.content,
      "1001.0 1002.0 1002.1 1003.0 1003.1 1004.0 1004.1 1005.0 1005.1",
      "a second fold includes the first one",
    );
    assert.equal((await store.outbox.filesOf(head)).length, 1);
    assert.equal(rows("SELECT * FROM outbox_file").length, 1);
  });

  it("[D4] folds only messages after the last one that is being sent", async () => {
    const { store, answer } = openTurns();
    await answer(1);
    await answer(3);
    await answer(2);
    const [first] = await store.outbox.heads(ACCOUNT);
    await store.outbox.markSent(first!, messageId("77"));
    const { queue, asked } = planning(1, () => ({ kind: "drop", reason: "full" }));
    const shown = async () => {
      await answer(1, queue);
      return asked.at(-1)?.waiting.map(({ message }) => message.content);
    };
    assert.deepEqual(await shown(), ["1002.0", "1002.1", "1002.2", "1003.0", "1003.1"]);
    const [begun] = await store.outbox.heads(ACCOUNT);
    await store.outbox.markSending(begun!, NOW);
    assert.deepEqual(await shown(), ["1003.0", "1003.1"], "its first part is being sent");
    await store.outbox.markRefused(begun!, "later", NOW);
    assert.equal((await shown())?.[0], "1002.0", "after a refusal, Discord does not have it");
    await store.outbox.markSent(begun!, messageId("78"));
    assert.deepEqual(await shown(), ["1003.0", "1003.1"], "its first part is sent");
  });

  it("[D4] moves no message past one that is tied to a draft", async () => {
    const { store, begin, answer } = openTurns();
    await answer(1);
    const claim = await begin();
    const of = part(claim.message.id, { kind: "draft" });
    const draft = await store.outbox.add(
      frozen({ nonce: nonceOf(of, 0), channelId: HERE, of }),
      NOW,
    );
    await store.outbox.markSent(draft, messageId("77"));
    await store.turns.finishTurn(turnOf(claim, 2), NOW);
    await answer(1);
    const { queue, asked } = planning(1, foldOf);
    await answer(1, queue);
    assert.deepEqual(asked[0]?.waiting.map(({ message }) => message.content), ["1003.0"]);
  });

  it("[D4] stores no part of a plan that folds a row that does not wait", async () => {
    const { store, begin, states } = openTurns();
    const first = await begin();
    await store.turns.finishTurn(turnOf(first, 1), NOW);
    const [head] = await store.outbox.heads(ACCOUNT);
    await store.outbox.markSending(head!, NOW);
    const { queue } = planning(0, (_, incoming) => {
      const plan = foldOf([], incoming);
      return plan.kind === "fold" ? { ...plan, rows: [head!.id] } : plan;
    });
    const turn = turnOf(await begin(), 1);
    await assert.rejects(store.turns.finishTurn(turn, NOW, queue), TypeError);
    assert.deepEqual(states(), ["1001.0 sending"]);
    assert.deepEqual(await store.turns.finishTurn(turn, NOW), STORED, "its turn still runs");
  });

  it("[G14] folds all or nothing if the process dies", async () => {
    let isDying = false;
    const die = (name: string) => {
      if (isDying && name === "T3") throw new Error("killed");
    };
    const { answer, states } = openTurns({ crash: { before: die, after() {} } });
    const { queue } = planning(1, foldOf);
    await answer(1, queue);
    isDying = true;
    await assert.rejects(answer(1, queue), /killed/);
    assert.deepEqual(states(), ["1001.0 pending"]);
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

  it("[R8] are removed if the turn fails, or if its answer is folded or dropped", async () => {
    const plans: readonly (QueuePlan["kind"] | "fail")[] = ["fail", "fold", "drop"];
    for (const plan of plans) {
      const { store, claim, answer } = await openDraft("there");
      await answer(1);
      const { queue } = planning(
        0,
        (waiting, incoming) =>
          plan === "fold" ? foldOf(waiting, incoming) : { kind: "drop", reason: "full" },
      );
      const turn = turnOf(claim, plan === "fail" ? 0 : 2);
      await store.turns.finishTurn(turn, NOW, plan === "fail" ? undefined : queue);
      const actions: OutboxRow["action"]["kind"][] = [];
      for (;;) {
        const [head] = await store.outbox.heads(ACCOUNT);
        if (!head) break;
        actions.push(head.action.kind);
        await store.outbox.markSent(head, messageId("78"));
      }
      assert.deepEqual(actions.toSorted(), ["delete", "post"], plan);
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

describe("the messages of a channel", () => {
  const step = fc.oneof(
    fc.record({
      do: fc.constant("answer" as const),
      parts: fc.integer({ min: 1, max: 3 }),
      drafts: fc.nat({ max: 4 }),
      isDrop: fc.boolean(),
      /** Number of waiting answers that a fold leaves out. */
      spared: fc.nat({ max: 3 }),
    }),
    fc.record({ do: fc.constantFrom("send", "refuse", "ask", "park", "unpark") }),
  );

  it("[D1] [D4] are each sent exactly once and in order, or on record as dropped", async () => {
    const property = fc.asyncProperty(
      fc.integer({ min: 1, max: 6 }),
      fc.array(step, { maxLength: 40 }),
      async (maxQueueSize, steps) => {
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
              all.push(...wordsOf(turn.outbox));
              const { queue } = planning(maxQueueSize, (waiting, incoming) => {
                if (one.isDrop) return { kind: "drop", reason: "full" };
                const begins = waiting.flatMap(({ message: { of } }, at) =>
                  of?.part === 0 ? [at] : []
                );
                return foldOf(waiting.slice(begins[one.spared] ?? 0), incoming);
              });
              await store.turns.finishTurn(turn, NOW, queue);
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
        const ends = ["sent", "folded", "dropped", "withdrawn"];
        assert.deepEqual(over.filter((state) => !ends.includes(state)), []);
        assert.deepEqual(rows("SELECT * FROM outbox_file"), []);
      },
    );
    await fc.assert(property, { numRuns: cases(60, 1_500) });
  });
});
