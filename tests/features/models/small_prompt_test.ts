/** Tests the prompt of a small machine, by the bytes that its server gets. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "node:test";
import { withSimulation } from "../../support/bot/e2e.ts";
import { type Said, startFixedModel } from "../../support/model/fixed_model.ts";

const MODELS = { fixed: { contextWindow: 8_192 } };

/** Tokens of a request's prompt and tools, as T2a counts them. */
function tokensOf(body: string): number {
  const { messages, tools } = JSON.parse(body);
  return Buffer.byteLength(JSON.stringify({ messages, tools })) / 4;
}

/** The bytes of a request up to its newest entries: without the brackets behind its last message. */
function untilNewest(body: string): string {
  const { messages } = JSON.parse(body);
  return body.slice(0, body.lastIndexOf(JSON.stringify(messages.at(-1)).slice(1)));
}

/** Opens a tool, runs it, and then answers. */
function play(asked: string): Said {
  const call = (args: object) => ({
    calls: [{ id: "c1", name: "use_tool", arguments: JSON.stringify(args) }],
  });
  if (asked.includes("JSON Schema")) return call({ tool: "recall", arguments: { words: "tide" } });
  if (asked.includes("look")) return call({ tool: "recall" });
  return "The answer.";
}

describe("[T2a] a model with a small window", () => {
  it("reads a short prompt, opens tools by name, and gets the same beginning in each request", () =>
    withSimulation({}, async ({ start, say, mention, replies, rewrite, eventually, rows }) => {
      await using model = await startFixedModel(play);
      const local = { kind: "openai-compatible", baseUrl: model.baseUrl, models: MODELS };
      rewrite({
        config: {
          tools: { prompt: "auto" },
          models: { providers: { local } },
          agents: { defaults: { model: "local/fixed" } },
        },
      });
      await start();
      say("ada", "dm", "hello");
      await replies("dm", 1, "ada");
      assert.match(model.bodies[0] ?? "", /read_file/);
      assert.ok(tokensOf(model.bodies[0] ?? "") <= 1_500, `${tokensOf(model.bodies[0] ?? "")}`);
      const first = model.bodies.length;
      for (const [at, text] of ["hello", "look", "and then?", "look", "thanks"].entries()) {
        say("grace", "general", `${mention} ${text}`);
        await replies("general", at + 1);
      }
      const bodies = model.bodies.slice(first);
      assert.ok(tokensOf(bodies[0] ?? "") <= 1_200, `${tokensOf(bodies[0] ?? "")}`);
      assert.equal(bodies.length, 9);
      for (const [at, body] of bodies.slice(0, -1).entries()) {
        assert.ok(bodies[at + 1]?.startsWith(untilNewest(body)), `request ${at + 2}`);
      }
      const results = JSON.parse(bodies.at(-1) ?? "").messages
        .filter(({ role }: { role: string }) => role === "tool");
      assert.match(results.at(-1)?.content, /No folded message/);
      await eventually(
        "the choice",
        () =>
          Promise.resolve(
            rows("SELECT value FROM setting WHERE name = 'prompt'")[0]?.["value"] === "small",
          ),
      );
    }));
});
