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

const answerTo = (facts: StatusFacts) =>
  status.run({} as SlashCommand, {
    status: () => facts,
    texts: () => ({}),
    now: () => NOW,
  } as unknown as InteractionContext);

describe("[K2] /status", () => {
  it("shows version, model and connection", () => {
    assert.equal(
      answerTo(FACTS),
      "Barnacle 1.2.3, answering with `ollama/llama3.2`. Online for 2 h 0 min, heartbeat 42 ms.",
    );
  });

  it("shows the start of the model's failure, in the reader's time zone", () => {
    assert.match(
      String(answerTo({ ...FACTS, modelFailsSince: NOW - 60_000 })),
      /\nThe model has been failing since <t:1749999940:R>\.$/,
    );
  });

  it("shows no latency before the first heartbeat, and no negative time", () => {
    const { latencyMs: _, ...young } = FACTS;
    assert.match(
      String(answerTo({ ...young, readyAt: NOW + 5 })),
      /Online for 0 s, heartbeat –\.$/,
    );
  });
});
