import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Model, ModelError, type ModelPart } from "../../../src/core/model.ts";
import type { Claim } from "../../../src/core/inbound/inbox.ts";
import { traceTurn } from "../../../src/flows/turn/turn_tracing.ts";
import { guildMessage } from "../../support/discord/builders.ts";
import { sameData } from "../../support/same_data.ts";

const NEVER = new AbortController().signal;
const REQUEST = { system: "", messages: [] };
const CLAIM: Claim = {
  message: guildMessage(),
  route: { agentId: "main", sessionKey: "agent:main:main" },
  attempt: 1,
};

function setUp() {
  let at = 0;
  return traceTurn(CLAIM, { now: () => at++ }, "local/a");
}

const answering = (...parts: readonly ModelPart[]): Model => ({
  id: "local/a",
  async *generate() {
    yield* parts;
  },
});

async function read(model: Model): Promise<void> {
  for await (const { kind } of model.generate(REQUEST, NEVER)) if (kind === "finish") return;
}

describe("[T1] traceTurn()", () => {
  it("records a request with its usage, also if its reader ends with the last part", async () => {
    const tracing = setUp();
    const usage = { inputTokens: 1, outputTokens: 2 };
    await read(tracing.model(answering({ kind: "finish", reason: "stop", usage, modelId: "b/c" })));
    sameData(tracing.end({ kind: "answered" }, undefined).entries, [
      { kind: "model", startedAt: 1, endedAt: 2, calls: [], usage, modelId: "b/c" },
    ]);
  });

  it("records the kind of a failed request, and of a failed turn", async () => {
    const tracing = setUp();
    const error = new ModelError("hunter2", { kind: "rate_limited", modelId: "local/a" });
    const failing: Model = {
      id: "local/a",
      // deno-lint-ignore require-yield
      async *generate() {
        throw error;
      },
    };
    await assert.rejects(read(tracing.model(failing)), error);
    await read(tracing.model(answering({ kind: "text", text: "hunter2" })));
    const trace = tracing.end(
      { kind: "failed", failureId: "1", reason: "hunter2" },
      { kind: "failed", why: "unexpected", reason: "hunter2", error },
    );
    assert.equal(trace.failure, "rate_limited");
    assert.deepEqual(
      trace.entries.map((entry) => entry.kind === "model" && entry.failure),
      ["rate_limited", "incomplete"],
    );
    assert.doesNotMatch(JSON.stringify(trace), /hunter2/);
  });
});
