import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { SlashCommand } from "../../../src/core/inbound/interactions.ts";
import type { StatusFacts } from "../../../src/core/account/account.ts";
import type { InteractionContext } from "../../../src/interactions/base/context.ts";
import { status } from "../../../src/interactions/commands/about.ts";

const NOW = 1_750_000_000_000;
const FACTS: StatusFacts = {
  version: "1.2.3",
  modelId: "ollama/llama3.2",
  readyAt: NOW - 2 * 3_600_000,
  latencyMs: 41.6,
};

const NONE = {
  requests: 0,
  inputTokens: 0,
  cachedTokens: 0,
  outputTokens: 0,
  micros: 0,
  unpriced: 0,
};
const USED = { ...NONE, requests: 3, inputTokens: 900, outputTokens: 100, micros: 50_000 };

const answerTo = (facts: StatusFacts) =>
  status.run({ sender: { id: "7" } } as unknown as SlashCommand, {
    status: () => Promise.resolve(facts),
    usage: { sum: (_: number, userId?: string) => Promise.resolve(userId ? NONE : USED) },
    texts: () => ({}),
    now: () => NOW,
  } as unknown as InteractionContext);

describe("[K2] /status", () => {
  it("shows version, model, connection and the asker's own use", async () => {
    assert.equal(
      await answerTo(FACTS),
      "Barnacle 1.2.3, answering with `ollama/llama3.2`. Online for 2 h 0 min, heartbeat 42 ms.\n" +
        "Your use today: 0 + 0 tokens (0 % cached).",
    );
  });

  it("shows an owner the use by all people, and the warnings", async () => {
    const lines = (await answerTo({ ...FACTS, warnings: ["Missing permission: #general"] }))
      .split("\n");
    assert.deepEqual(lines.slice(2), [
      "Everyone's use today: 900 + 100 tokens (0 % cached), 0.050.",
      "⚠️ Missing permission: #general",
    ]);
  });

  it("fits into a message, however many warnings there are", async () => {
    const warnings = Array<string>(100).fill("Missing permission: #general");
    assert.ok((await answerTo({ ...FACTS, warnings })).length <= 2_000);
  });

  it("shows the start of the model's failure, in the reader's time zone, and the fallback", async () => {
    const text = await answerTo({
      ...FACTS,
      modelFailsSince: NOW - 60_000,
      fallbackId: "openai/gpt",
    });
    assert.match(text, /answering with `openai\/gpt`/);
    assert.match(text, /\n`ollama\/llama3.2` has been failing since <t:1749999940:R>\.\n/);
  });

  it("shows no latency before the first heartbeat, and no negative time", async () => {
    const { latencyMs: _, ...young } = FACTS;
    assert.match(
      await answerTo({ ...young, readyAt: NOW + 5 }),
      /Online for 0 s, heartbeat –\.\n/,
    );
  });
});
