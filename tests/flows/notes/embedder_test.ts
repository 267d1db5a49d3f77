import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Embedding, EmbeddingFailed, TextRefused } from "../../../src/core/notes/embedding.ts";
import type { BudgetStop } from "../../../src/core/spending/budget.ts";
import type { Charge } from "../../../src/core/spending/usage.ts";
import { createEmbedder } from "../../../src/flows/notes/embedder.ts";
import { testAccount } from "../../support/account.ts";

const NEVER = new AbortController().signal;
const by = { userId: "1", channelId: "2", agentId: "main" };
const LIMIT_MS = 30_000;

function build(embed: Embedding["embed"], stop?: BudgetStop) {
  const { account, clock, lines } = testAccount();
  const charges: Charge[] = [];
  const sent: string[] = [];
  const modelOf = (modelId: string): Embedding => ({
    modelId,
    embed(texts, as, signal) {
      sent.push(...texts);
      return embed(texts, as, signal);
    },
  });
  let current: Embedding | undefined = modelOf("test/x");
  const embedder = createEmbedder(account, {
    embedding: () => current,
    spend: {
      check: () => Promise.resolve(stop),
      record: (charge) => void charges.push(charge),
    },
    cleanSecrets: (text) => text.replaceAll("hunter2", "[redacted]"),
  });
  const run = (text = "tea", as: "note" | "query" = "note", signal = NEVER) =>
    embedder.embed([text], as, by, LIMIT_MS, signal);
  const change = (modelId: string | undefined) => {
    current = modelId === undefined ? undefined : modelOf(modelId);
  };
  return { clock, charges, lines, sent, embedder, run, change };
}

const VECTOR = Int8Array.of(1, 2);
const good: Embedding["embed"] = () =>
  Promise.resolve({
    vectors: [VECTOR],
    usage: { inputTokens: 3, outputTokens: 0, micros: 4 },
  });

describe("[T14] createEmbedder()", () => {
  it("[L5] counts each request for who asked", async () => {
    const { run, charges, embedder } = build(good);
    assert.equal(embedder.dimension(), undefined);
    assert.deepEqual(await run(), { kind: "vectors", vectors: [VECTOR] });
    const [{ kind, model, userId, inputTokens, micros } = {}] = charges;
    assert.deepEqual([kind, model, userId, inputTokens, micros], [
      "embedding",
      "test/x",
      "1",
      3,
      4,
    ]);
    assert.equal(embedder.dimension(), 2);
  });

  it("[X4] asks no server once a budget is spent", async () => {
    const { run, sent, charges, lines } = build(good, { rule: "budgets.total", limit: 1 });
    const result = await run();
    assert.deepEqual([result.kind, sent, charges, lines], ["none", [], [], []]);
    assert.match(result.kind === "none" ? result.why : "", /budget is used up/);
  });

  it("[SEC-R10] sends no secret", async () => {
    const { run, sent } = build(good);
    await run("it is hunter2");
    assert.deepEqual(sent, ["it is [redacted]"]);
  });

  it("sends no half of an emoji, which some servers cannot read", async () => {
    const { run, sent } = build(good);
    await run("a 🐚 shell".slice(0, 3));
    assert.deepEqual(sent, ["a \ufffd"]);
  });

  it("pauses longer after each failure, and logs the first one and the end", async () => {
    let isDown = true;
    const { run, clock, sent, lines } = build((...request) =>
      isDown
        ? Promise.reject(new EmbeddingFailed("unauthorized", "refused it: HTTP 401"))
        : good(...request)
    );
    const waits: number[] = [];
    for (let attempt = 0; attempt < 7; attempt++) {
      const result = await run();
      assert.ok(result.kind === "none");
      waits.push(result.retryMs / 1_000);
      const paused = await run();
      assert.match(paused.kind === "none" ? paused.why : "", /failed before/);
      clock.advance(result.retryMs);
    }
    assert.deepEqual(waits, [30, 60, 120, 240, 480, 600, 600]);
    assert.equal(sent.length, 7);
    isDown = false;
    assert.equal((await run()).kind, "vectors");
    assert.match(String(lines[0]?.fields["hint"]), /check the API key of the provider test/);
    assert.deepEqual(lines.map(({ level, fields }) => [level, fields["why"]]), [
      ["warn", "refused it: HTTP 401"],
      ["info", undefined],
    ]);
  });

  it("tells a refused note from a refused query, which counts as a failure", async () => {
    const { run, lines } = build(() => Promise.reject(new TextRefused("HTTP 400")));
    assert.equal((await run("tea", "note")).kind, "refused");
    assert.deepEqual(lines, []);
    assert.equal((await run("tea", "query")).kind, "none");
    assert.equal(lines.length, 1);
  });
});
