import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { SlashCommand } from "../../../src/core/inbound/interactions.ts";
import type { StatusFacts } from "../../../src/core/account/account.ts";
import type { BudgetUse } from "../../../src/core/spending/budget.ts";
import type { ContextFacts, InteractionContext } from "../../../src/interactions/base/context.ts";
import { context, status } from "../../../src/interactions/commands/about.ts";
import { interactionContext } from "../../support/discord/interaction_context.ts";

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

const answerTo = async (facts: StatusFacts, budgets: readonly BudgetUse[] = [], agent?: string) =>
  String(
    await status.run({ sender: { id: "7" } } as unknown as SlashCommand, {
      agentHere: () => agent,
      status: () => Promise.resolve(facts),
      store: { usage: { sum: (_: number, id?: string) => Promise.resolve(id ? NONE : USED) } },
      budgets: () => Promise.resolve(budgets),
      currency: () => undefined,
      now: () => NOW,
    } as unknown as InteractionContext),
  );

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

  it("[X4] warns an owner of a spent budget of all people, and no one of another's", async () => {
    const limit = { limit: 10, unit: "tokens", period: "today" } as const;
    const budgets = [
      { ...limit, rule: "budgets.total.tokensPerDay", used: 12 },
      { ...limit, rule: "budgets.perAgent.tokensPerDay", used: 9 },
      { ...limit, rule: "budgets.perUser.tokensPerDay", used: 12 },
    ];
    const lines = (await answerTo({ ...FACTS, warnings: [] }, budgets)).split("\n");
    assert.deepEqual(lines.slice(3), [
      "⚠️ The budget `budgets.total.tokensPerDay` is spent: 12 of 10 tokens today",
    ]);
    assert.doesNotMatch(await answerTo(FACTS, budgets), /spent/);
  });

  it("[N1] names the agent that answers here, if there are several", async () => {
    assert.equal((await answerTo(FACTS, [], "Quill")).split("\n")[1], "The agent here: Quill.");
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

  it("shows the model's window, and where its size comes from", async () => {
    const window = { contextWindow: 8_192, maxOutput: 2_048, from: "server" } as const;
    assert.match(
      await answerTo({ ...FACTS, window }),
      /\nMy model reads 8192 tokens at most, its own answer included: told by its server\.\n/,
    );
  });

  it("shows no latency before the first heartbeat, and no negative time", async () => {
    const { latencyMs: _, ...young } = FACTS;
    assert.match(
      await answerTo({ ...young, readyAt: NOW + 5 }),
      /Online for 0 s, heartbeat –\.\n/,
    );
  });
});

describe("[L4] [K2] /context", () => {
  const CONTEXT: ContextFacts = {
    entries: 12,
    tokens: 4_130,
    room: 1_000,
    window: { contextWindow: 1_250, maxOutput: 100, from: "config" },
    folded: { entries: 0, messages: 0, summaryChars: 0 },
  };
  const show = (facts: ContextFacts, agent?: string) => {
    const parts = { agentHere: () => agent, contextOf: () => Promise.resolve(facts) };
    return context.run({} as SlashCommand, interactionContext(parts));
  };

  it("[N1] names the agent that answers here, if there are several", async () => {
    assert.match(String(await show(CONTEXT, "Quill")), /^The agent here: Quill\.\n12 messages/);
  });

  it("shows how full the window is, also beyond 100 %, and where its size comes from", async () => {
    assert.deepEqual(String(await show(CONTEXT)).split("\n"), [
      "12 messages and answers of this conversation fill 413 % of what I can read at once: " +
      "about 4130 of 1000 tokens.",
      "My model reads 1250 tokens at most, its own answer included: set in my config.",
    ]);
  });

  it("tells that the model gave no summary", async () => {
    const at = NOW - 60_000;
    const folded = { entries: 8, messages: 4, summaryChars: 100, at };
    const plain = String(await show({ ...CONTEXT, folded: { ...folded, isPlain: true } }));
    assert.match(plain, /\n4 earlier messages are folded since <t:1749999940:R>, without my model/);
    const fails = String(await show({ ...CONTEXT, folded, summaryFailedAt: at }));
    assert.match(fails, /\n4 earlier messages are folded into a summary since/);
    assert.match(fails, /\nMy model gave no summary <t:1749999940:R>\./);
  });
});
