import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Claim } from "../../../src/core/inbound/inbox.ts";
import type { Entry } from "../../../src/core/inbound/transcript.ts";
import { type Model, ModelError, type ModelRequest } from "../../../src/core/model.ts";
import type { Checkpoint, Fold } from "../../../src/core/turn/checkpoint.ts";
import {
  type HistoryPorts,
  type HistoryRules,
  measure,
  openHistory,
} from "../../../src/flows/session/turn_history.ts";
import { createSummaries } from "../../../src/flows/session/compact.ts";
import { charsOf, createTokenRates } from "../../../src/session/history.ts";
import { guildMessage, messageId } from "../../support/discord/builders.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { settle } from "../../support/settle.ts";

const MESSAGE = guildMessage();
const CLAIM: Claim = {
  message: MESSAGE,
  route: { agentId: "main", sessionKey: "session" },
  attempt: 1,
};
/** 10,000 characters for a request. */
const RULES: HistoryRules = {
  window: { contextWindow: 4_571, maxOutput: 1_000 },
  reset: "off",
  timezone: "UTC",
  timeoutMs: 60_000,
};
const PARTS = { system: "s".repeat(500), envelope: "e".repeat(500), toolChars: 0 };

const turn = (number: number, chars: number): readonly Entry[] => {
  const stamp = { messageId: messageId(`${number}`), at: MESSAGE.sentAt - 1_000 };
  return [
    { role: "user", text: `${number}`.repeat(chars), ...stamp },
    { role: "assistant", text: "", ...stamp },
  ];
};

/** A session in memory, with a model that summarises, fails, or hangs. */
function setUp(entries: readonly Entry[], says: Says = "They talked.") {
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  const asked: ModelRequest[] = [];
  const folds: Fold[] = [];
  let answers = [says];
  let open = entries;
  let checkpoint: Checkpoint | undefined;
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
  const ports: HistoryPorts = {
    store: { entriesOf: () => Promise.resolve(open) },
    sessions: {
      checkpointOf: () => Promise.resolve(checkpoint),
      reset() {
        const left = open.length;
        open = [];
        return Promise.resolve(left);
      },
      openEntries: () => Promise.resolve({ older: 0, entries: open }),
      fold(fold, at) {
        folds.push(fold);
        open = open.slice(fold.count);
        checkpoint = { summary: fold.summary, at };
        return Promise.resolve(true);
      },
    },
    model,
    writer: () => model,
    rates: createTokenRates(),
    summaries: createSummaries(),
    randomId: () => "a1b2c3d4e5f6",
    cleanSecrets: (text) => text.replaceAll("hunter2", "[redacted]"),
    now: clock.now,
    schedule: clock.schedule,
    stopping: new AbortController().signal,
    log,
  };
  return {
    ports: { ...ports, rates: rateOf(0.3) },
    asked,
    folds,
    lines,
    clock,
    /** The session goes on with these entries. */
    grow: (more: readonly Entry[]) => void (open = [...open, ...more]),
    /** The model's next answers; the last one for good. */
    says: (...next: readonly Says[]) => void (answers = [...next]),
  };
}

/** An answer of the model; `call`: it calls a tool, `hang`: it never ends. */
type Says = string | Error;

const rateOf = (rate: number) => ({ rateOf: () => rate, observe() {} });

describe("measure()", () => {
  const entry = fc.record({
    role: fc.constantFrom("user" as const, "assistant" as const),
    text: fc.constantFrom("", "ab"),
    showsImages: fc.boolean(),
  });
  const change = fc.oneof(
    fc.record({ kind: fc.constant("add" as const), entries: fc.array(entry, { maxLength: 4 }) }),
    fc.record({ kind: fc.constant("fold" as const), count: fc.nat({ max: 6 }) }),
    fc.record({ kind: fc.constant("redact" as const), at: fc.nat({ max: 9 }) }),
  );

  it("[L4] finds what a whole count finds, whatever becomes of the session", () =>
    fc.assert(fc.property(fc.array(change, { maxLength: 12 }), (changes) => {
      let entries: readonly Entry[] = [];
      let number = 0;
      for (const one of changes) {
        if (one.kind === "add") {
          const stamp = () => ({ messageId: messageId(`${++number}`), at: 0 });
          entries = [...entries, ...one.entries.map((said) => ({ ...said, ...stamp() }))];
        }
        if (one.kind === "fold") entries = entries.slice(one.count);
        if (one.kind === "redact") {
          const gone = { text: "[gone]", showsImages: false };
          entries = entries.map((said, at) => at === one.at ? { ...said, ...gone } : said);
        }
        const found = measure(entries);
        const images = entries.filter(({ showsImages }) => showsImages);
        assert.equal(found.chars, charsOf(entries));
        assert.deepEqual(found.imageMessages, images.map(({ messageId }) => messageId));
      }
    })));
});

describe("openHistory()", () => {
  it("[L4] asks for no summary while the window has room", async () => {
    const { ports, asked } = setUp([...turn(1, 3_000), ...turn(2, 3_000)]);
    const { history } = await openHistory(CLAIM, PARTS, RULES, ports);
    assert.equal(asked.length, 0);
    assert.equal(history.entries.length, 4);
  });

  it("[L4] folds older turns after an answer at three quarters", async () => {
    const { ports, asked, folds } = setUp([...turn(1, 3_000), ...turn(2, 2_500)]);
    const opened = await openHistory(CLAIM, PARTS, RULES, ports);
    assert.equal(opened.afterwards(turn(3, 999)), undefined);
    const fold = opened.afterwards(turn(3, 1_000));
    assert.equal(asked.length, 0, "the turn waits for no summary");
    await fold?.(new AbortController().signal);
    assert.equal(asked.length, 0, "the store has no such entries");
    const later = setUp([...turn(1, 3_000), ...turn(2, 2_500), ...turn(3, 1_000)]);
    await (await openHistory(CLAIM, PARTS, RULES, later.ports)).afterwards([])?.(
      new AbortController().signal,
    );
    assert.equal(later.asked.length, 1);
    assert.deepEqual(later.folds.map(({ count }) => count), [4]);
    assert.equal(folds.length, 0);
  });

  it("[L4] folds a session once at a time, and not once it is ended", async () => {
    const { ports, asked, folds } = setUp([1, 2, 3].flatMap((one) => turn(one, 2_900)), "hang");
    const { afterwards } = await openHistory(CLAIM, PARTS, RULES, ports);
    const ending = new AbortController();
    const folding = afterwards([])?.(ending.signal);
    await settle();
    await afterwards([])?.(ending.signal);
    assert.equal(asked.length, 1);
    ending.abort(new Error("the account stops"));
    await folding;
    assert.equal(folds.length, 0);
    assert.equal(ports.summaries.failures.size, 0, "the next start folds it");
  });

  it("[L4] folds older turns before the request if it would lack entries", async () => {
    const { ports, asked, folds } = setUp([
      ...turn(1, 3_000),
      ...turn(2, 3_500),
      ...turn(3, 2_500),
    ], "They talked about hunter2.");
    const { history } = await openHistory(CLAIM, PARTS, RULES, ports);
    assert.equal(asked.length, 1);
    assert.equal(asked[0]?.tools, undefined);
    assert.equal(folds[0]?.count, 4);
    assert.equal(folds[0]?.summary.text, "They talked about [redacted].");
    const { request } = history.requestFor(0);
    assert.match(
      request.messages[0]?.text ?? "",
      /^\[summary of the earlier[^]*<summary[^]*\n3333/,
    );
    assert.deepEqual(request.messages.map(({ role }) => role), ["user", "assistant", "user"]);
  });

  it("[L4] folds nothing before the server has told its window", async () => {
    const { ports, asked } = setUp([1, 2, 3, 4, 5].flatMap((number) => turn(number, 2_000)));
    const rules = { ...RULES, window: { ...RULES.window, isPending: true } as const };
    await openHistory(CLAIM, PARTS, rules, ports);
    assert.equal(asked.length, 0);
  });

  it("[L4] shows all entries that stay, beside many tools", async () => {
    const all = Array.from({ length: 12 }, (_, index) => turn(1 + index % 9, 450)).flat();
    const { ports, folds } = setUp(all);
    const parts = { ...PARTS, toolChars: 7_000 }; // 2,000 UTF-16 units are left
    const { history } = await openHistory(CLAIM, parts, RULES, ports);
    const kept = all.slice(folds[0]?.count);
    assert.ok(kept.length > 0);
    assert.deepEqual(history.entries, kept);
  });

  it("[L4] shows the same bytes of a summary in each turn", async () => {
    const { ports } = setUp([...turn(1, 3_000), ...turn(2, 3_500), ...turn(3, 2_500)]);
    const first = await openHistory(CLAIM, PARTS, RULES, ports);
    const second = await openHistory(CLAIM, PARTS, RULES, ports);
    assert.equal(
      first.history.requestFor(0).request.messages[0],
      second.history.requestFor(0).request.messages[0],
    );
  });

  const DOWN = new ModelError("down", { kind: "unavailable", modelId: "test/x" });
  for (
    const [how, says] of [["an error", DOWN], ["a tool call", "call"], ["nothing", ""]] as const
  ) {
    it(`[L4] asks again with the next turn if the model gives no summary (${how})`, async () => {
      const { ports, asked, folds, lines, says: next } = setUp([
        ...turn(1, 3_000),
        ...turn(2, 3_000),
        ...turn(3, 1_500),
      ], says);
      const afterTurn = async () => {
        const { afterwards } = await openHistory(CLAIM, PARTS, RULES, ports);
        await afterwards([])?.(new AbortController().signal);
      };
      await afterTurn();
      assert.deepEqual([asked.length, folds.length], [1, 0]);
      const [warning] = lines.filter(({ level }) => level === "warn");
      assert.equal(warning?.event, "The model gave no summary of older entries");
      assert.equal(warning.fields["instead"], "another try with the next turn");
      next("They talked.");
      await afterTurn();
      assert.deepEqual([asked.length, folds[0]?.summary.text], [2, "They talked."]);
      assert.equal(folds[0]?.modelId, "test/x");
      assert.equal(ports.summaries.failures.size, 0);
    });
  }

  it("[L4] takes a summary without the model after three failures, at a bounded cost", async () => {
    const said = (number: number) => turn(number, 1_250);
    const { ports, asked, folds, grow } = setUp([1, 2, 3, 4, 5].flatMap(said), DOWN);
    const cost: number[] = [];
    for (let number = 1; number <= 40; number++) {
      const { history, afterwards } = await openHistory(CLAIM, PARTS, RULES, ports);
      const { request } = history.requestFor(0);
      if (folds.length > 0) assert.match(request.messages[0]?.text ?? "", /^\[summary of the/);
      const more = said(number % 9 + 1);
      grow(more);
      await afterwards(more)?.(new AbortController().signal);
      cost.push(asked.length);
    }
    assert.ok(folds.length > 5, `${folds.length}`);
    assert.equal(folds[0]?.modelId, undefined);
    assert.equal(folds[0]?.summary.isPlain, true);
    // Three for the first, and one each time that the window is nearly full.
    assert.equal(cost.at(-1), 2 + folds.length);
  });

  it("[L4] a waiting turn gets a summary without the model, and lacks no entry", async () => {
    const entries = [1, 2, 3, 4].flatMap((number) => turn(number, 3_000));
    const { ports, asked, folds } = setUp(entries, DOWN);
    const { history } = await openHistory(CLAIM, PARTS, RULES, ports);
    const [first] = history.requestFor(0).request.messages;
    assert.match(
      first?.text ?? "",
      /^\[summary of the earlier conversation, which is only the first/,
    );
    assert.match(first?.text ?? "", /\[1\] 1{20}/);
    assert.equal(asked.length, 1);
    assert.equal(folds[0]?.summary.isPlain, true);
  });

  it("[L4] no turn waits for a model that has failed three times in a row", async () => {
    const entries = [1, 2, 3, 4].flatMap((number) => turn(number, 3_000));
    const { ports, asked, folds } = setUp(entries, DOWN);
    ports.summaries.failures.set("session", { count: 3, at: 0 });
    await openHistory(CLAIM, PARTS, RULES, ports);
    assert.deepEqual([asked.length, folds.length], [0, 1]);
  });

  it("[L4] a turn that needs it waits for a running summary", async () => {
    const { ports, asked, folds, clock } = setUp(
      [1, 2, 3].flatMap((one) => turn(one, 2_900)),
      "hang",
    );
    const { afterwards } = await openHistory(CLAIM, PARTS, RULES, ports);
    const folding = afterwards([])?.(new AbortController().signal);
    await settle();
    const opening = openHistory(CLAIM, { ...PARTS, envelope: "e".repeat(3_000) }, RULES, ports);
    await settle();
    assert.equal(asked.length, 1);
    clock.advance(30_000);
    await folding;
    await settle();
    assert.equal(asked.length, 2, "one more try, because the request waits");
    clock.advance(30_000);
    await opening;
    assert.equal(folds[0]?.summary.isPlain, true);
  });

  it("[L4] shrinks after a refusal for length", async () => {
    const { ports, folds } = setUp([1, 2, 3].flatMap((number) => turn(number, 2_000)));
    const opened = await openHistory(CLAIM, PARTS, RULES, ports);
    const before = opened.history.requestFor(0).request;
    const after = (await opened.shrink()).requestFor(0).request;
    const chars = ({ messages }: ModelRequest) =>
      messages.reduce((sum, { text }) => sum + text.length, 0);
    assert.equal(folds[0]?.cause, "refused");
    assert.ok(chars(after) <= chars(before) / 2 + 500, `${chars(before)} ${chars(after)}`);
  });

  it("[L4] shrinks to the window that a refusal has named", async () => {
    const { ports } = setUp([1, 2, 3].flatMap((number) => turn(number, 1_000)));
    const window = { contextWindow: 1_000, maxOutput: 100 }; // 2,583 characters
    const opened = await openHistory(CLAIM, PARTS, RULES, {
      ...ports,
      model: { ...ports.model, window },
    });
    assert.equal(opened.history.entries.length, 6);
    assert.ok((await opened.shrink()).freeChars <= 1_583);
  });

  it("[S4a] begins a new transcript before it reads the history", async () => {
    const { ports, asked } = setUp(turn(1, 9_000));
    const rules: HistoryRules = { ...RULES, reset: { idleMinutes: 1 } };
    const late: Claim = { ...CLAIM, message: { ...MESSAGE, sentAt: MESSAGE.sentAt + 60_000 } };
    const { history } = await openHistory(late, PARTS, rules, ports);
    assert.deepEqual([history.entries.length, asked.length], [0, 0]);
  });

  it("[L4] lets results push out the oldest turns", async () => {
    const { ports } = setUp([1, 2, 3].flatMap((number) => turn(number, 2_000)));
    const { history } = await openHistory(CLAIM, PARTS, RULES, ports);
    const lengthAt = (chars: number) => history.requestFor(chars).request.messages.length;
    assert.deepEqual([lengthAt(0), lengthAt(2_500), lengthAt(5_000)], [7, 5, 3]);
  });
});
