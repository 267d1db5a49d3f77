import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Claim } from "../../../src/core/inbound/inbox.ts";
import type { Entry } from "../../../src/core/inbound/inbound.ts";
import { type Model, ModelError, type ModelRequest } from "../../../src/core/model.ts";
import { summaryFailedAt } from "../../../src/flows/session/compact.ts";
import { type HistoryRules, openHistory } from "../../../src/flows/turn/gather.ts";
import { testAccount } from "../../support/bot/test_account.ts";
import { guildMessage, messageId } from "../../support/discord/builders.ts";
import { accepted, batch, ROUTE } from "../../support/store/store.ts";

const MESSAGE = guildMessage();
const CLAIM: Claim = { message: MESSAGE, route: ROUTE, attempt: 1 };
/** 10,000 characters for a request. */
const RULES: HistoryRules = {
  window: { contextWindow: 4_571, maxOutput: 1_000 },
  reset: "off",
  timezone: "UTC",
  timeoutMs: 60_000,
};
const PARTS = { system: "s".repeat(500), envelope: "e".repeat(500), toolChars: 0 };
const BY = { userId: MESSAGE.sender.id, channelId: MESSAGE.channelId, agentId: "main" };

/** An answer of the model; `call`: it calls a tool, `hang`: it never ends. */
type Says = string | Error;

/** A session of turns with so many characters, and a model that summarises, fails, or hangs. */
async function setUp(turns: readonly number[], says: Says = "They talked.") {
  const asked: ModelRequest[] = [];
  let answers = [says];
  const model: Model = {
    id: "test/x",
    async *generate(request, signal) {
      asked.push(request);
      await Promise.resolve();
      const says = answers.length > 1 ? answers.shift() : answers[0];
      if (says === "hang") {
        await new Promise((_, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason), { once: true });
        });
      }
      if (says instanceof Error) throw says;
      if (says === "call") {
        const calls = [{ id: "1", name: "recall", arguments: "{}" }];
        return yield { kind: "finish", reason: "tool_calls", calls };
      }
      yield { kind: "text", text: says ?? "" };
      yield { kind: "finish", reason: "stop", usage: { inputTokens: 10, outputTokens: 2 } };
    },
  };
  const t = await testAccount({ model });
  const { account, store } = t;
  let number = 0;
  /** The session goes on with a turn. */
  async function grow(chars: number): Promise<readonly Entry[]> {
    number++;
    const message = guildMessage({ id: messageId(`${number}`) });
    await store.inbox.acceptBatch(batch({ judged: [accepted(message)] }), account.now());
    const claim = await store.inbox.claimNext(message.accountId, account.now(), []);
    assert.ok(claim);
    const stamp = { messageId: message.id, at: MESSAGE.sentAt - 1_000 };
    const entries: readonly Entry[] = [
      { role: "user", text: `${number % 10}`.repeat(chars), ...stamp },
      { role: "assistant", text: "", ...stamp },
    ];
    const end = { kind: "answered" } as const;
    await store.turns.finishTurn({ claim, end, entries, outbox: [] }, account.now());
    return entries;
  }
  for (const chars of turns) await grow(chars);
  return {
    ...t,
    asked,
    grow,
    open: (parts: object = {}, rules: object = {}, given: object = {}, claim = CLAIM) =>
      openHistory(account, claim, { ...PARTS, ...parts }, { ...RULES, ...rules }, {
        ...{ by: BY, model: { ...model, ...given } },
      }),
    /** Summaries in the order of their storing. */
    folds: () =>
      t.rows("SELECT cause, entries, summary, model_id FROM checkpoint WHERE kind = 'summary'"),
    failedAt: () => summaryFailedAt(account, ROUTE.sessionKey),
    /** The model's next answers; the last one for good. */
    says: (...next: readonly Says[]) => void (answers = [...next]),
  };
}

const NEVER = new AbortController().signal;

describe("openHistory()", () => {
  it("[L4] asks for no summary while the window has room", async () => {
    const { open, asked } = await setUp([3_000, 3_000]);
    const { history } = await open();
    assert.deepEqual([asked.length, history.entries.length], [0, 4]);
  });

  it("[L4] folds older turns after an answer at three quarters", async () => {
    const { open, grow, asked, folds, rows } = await setUp([3_000, 2_500]);
    const opened = await open();
    const stamp = { role: "user", messageId: MESSAGE.id, at: 0 } as const;
    assert.equal(opened.afterwards([{ text: "x".repeat(999), ...stamp }]), undefined);
    const fold = opened.afterwards([{ text: "x".repeat(1_000), ...stamp }]);
    await fold?.(NEVER);
    assert.equal(asked.length, 0, "the store has no such entries");
    await opened.afterwards(await grow(1_000))?.(NEVER);
    assert.deepEqual([asked.length, folds().map(({ entries }) => entries)], [1, [4]]);
    const [use] = rows("SELECT kind, user_id FROM usage");
    assert.deepEqual(Object.values(use ?? {}), ["compaction", MESSAGE.sender.id]);
  });

  it("[L4] folds a session once at a time, and not once it is ended", async () => {
    const { open, asked, folds, quiet, failedAt } = await setUp([2_900, 2_900, 2_900], "hang");
    const { afterwards } = await open();
    const ending = new AbortController();
    const folding = afterwards([])?.(ending.signal);
    await quiet();
    await afterwards([])?.(ending.signal);
    assert.equal(asked.length, 1);
    ending.abort(new Error("the account stops"));
    await folding;
    assert.deepEqual([folds(), failedAt()], [[], undefined], "the next start folds it");
  });

  it("[L4] folds older turns before the request if it would lack entries", async () => {
    const { open, asked, folds } = await setUp([3_000, 3_500, 2_500], "They like hunter2.");
    const { history } = await open();
    assert.deepEqual([asked.length, asked[0]?.tools], [1, undefined]);
    const [{ entries, summary } = {}] = folds();
    assert.deepEqual([entries, summary], [4, "They like [redacted]."]);
    const { request } = history.requestFor(0);
    assert.match(
      request.messages[0]?.text ?? "",
      /^\[summary of the earlier[^]*<summary[^]*\n3333/,
    );
    assert.deepEqual(request.messages.map(({ role }) => role), ["user", "assistant", "user"]);
    const again = (await open()).history.requestFor(0).request;
    assert.equal(again.messages[0], request.messages[0], "the same bytes in each turn");
  });

  it("[L4] folds nothing before the server has told its window", async () => {
    const { open, asked } = await setUp([2_000, 2_000, 2_000, 2_000, 2_000]);
    await open({}, { window: { ...RULES.window, isPending: true } });
    assert.equal(asked.length, 0);
  });

  it("[L4] shows all entries that stay, beside many tools", async () => {
    const { open, store } = await setUp(Array.from({ length: 12 }, () => 450));
    const { history } = await open({ toolChars: 7_000 }); // 2,000 UTF-16 units are left
    const kept = await store.turns.entriesOf(ROUTE.sessionKey, 100);
    assert.ok(kept.length > 0 && kept.length < 24);
    assert.deepEqual(history.entries, kept);
  });

  const DOWN = new ModelError("down", { kind: "unavailable", modelId: "test/x" });
  for (
    const [how, says] of [["an error", DOWN], ["a tool call", "call"], ["nothing", ""]] as const
  ) {
    it(`[L4] asks again with the next turn if the model gives no summary (${how})`, async () => {
      const t = await setUp([3_000, 3_000, 1_500], says);
      const afterTurn = async () => {
        const { afterwards } = await t.open();
        await afterwards([])?.(NEVER);
      };
      await afterTurn();
      assert.deepEqual([t.asked.length, t.folds(), t.failedAt()], [1, [], t.account.now()]);
      const [warning] = t.lines.filter(({ level }) => level === "warn");
      assert.equal(warning?.event, "The model gave no summary of older entries");
      assert.equal(warning.fields["instead"], "another try with the next turn");
      t.says("They talked.");
      await afterTurn();
      const [{ summary, model_id: by } = {}] = t.folds();
      const expected = [2, "They talked.", "test/x", undefined];
      assert.deepEqual([t.asked.length, summary, by, t.failedAt()], expected);
    });
  }

  it("[L4] takes a summary without the model after three failures, at a bounded cost", async () => {
    const { open, asked, folds, grow } = await setUp([1_250, 1_250, 1_250, 1_250, 1_250], DOWN);
    for (let turn = 1; turn <= 40; turn++) {
      const { history, afterwards } = await open();
      const { request } = history.requestFor(0);
      if (folds().length > 0) assert.match(request.messages[0]?.text ?? "", /^\[summary of the/);
      await afterwards(await grow(1_250))?.(NEVER);
    }
    assert.ok(folds().length > 5);
    assert.equal(folds()[0]?.["model_id"], null);
    // Three for the first, and one each time that the window is nearly full.
    assert.equal(asked.length, 2 + folds().length);
  });

  it("[L4] a waiting turn gets a summary without the model, and lacks no entry", async () => {
    const { open, asked, folds, grow } = await setUp([3_000, 3_000, 3_000, 3_000], DOWN);
    const first = (await open()).history.requestFor(0).request.messages[0]?.text ?? "";
    assert.match(first, /^\[summary of the earlier conversation, which is only the first/);
    assert.match(first, /\[1\] 1{20}/);
    for (let turn = 1; turn <= 4; turn++) {
      for (const chars of [3_000, 3_000]) await grow(chars);
      await open();
    }
    assert.deepEqual([asked.length, folds().length], [3, 5], "none asks after three failures");
  });

  it("[L4] a turn that needs it waits for a running summary", async () => {
    const { open, asked, folds, clock, quiet } = await setUp([2_900, 2_900, 2_900], "hang");
    const { afterwards } = await open();
    const folding = afterwards([])?.(NEVER);
    await quiet();
    const opening = open({ envelope: "e".repeat(3_000) });
    await quiet();
    assert.equal(asked.length, 1);
    clock.advance(30_000);
    await folding;
    await quiet();
    assert.equal(asked.length, 2, "one more try, because the request waits");
    clock.advance(30_000);
    await opening;
    assert.equal(folds()[0]?.["model_id"], null);
  });

  it("[L4] shrinks after a refusal for length", async () => {
    const { open, folds } = await setUp([2_000, 2_000, 2_000]);
    const opened = await open();
    const before = opened.history.requestFor(0).request;
    const after = (await opened.shrink()).requestFor(0).request;
    const chars = ({ messages }: ModelRequest) =>
      messages.reduce((sum, { text }) => sum + text.length, 0);
    assert.equal(folds()[0]?.["cause"], "refused");
    assert.ok(chars(after) <= chars(before) / 2 + 500, `${chars(before)} ${chars(after)}`);
  });

  it("[L4] shrinks to the window that a refusal has named", async () => {
    const { open } = await setUp([1_000, 1_000, 1_000]);
    const window = { contextWindow: 1_000, maxOutput: 100 }; // 2,583 characters
    const opened = await open({}, {}, { window });
    assert.equal(opened.history.entries.length, 6);
    assert.ok((await opened.shrink()).freeChars <= 1_583);
  });

  it("[L4] lets results push out the oldest turns", async () => {
    const { open } = await setUp([2_000, 2_000, 2_000]);
    const { history } = await open();
    const lengthAt = (chars: number) => history.requestFor(chars).request.messages.length;
    assert.deepEqual([lengthAt(0), lengthAt(2_500), lengthAt(5_000)], [7, 5, 3]);
  });
});
