import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Manner } from "../../src/core/config_file.ts";
import type { Step } from "../../src/core/step.ts";

import { composeReply, type ReplyToSend, withPreface } from "../../src/render/reply.ts";
import { directMessage } from "../support/discord/builders.ts";
import { documents } from "../support/markdown.ts";

const call = (id: string, name: string) => ({ id, name, arguments: '{"key":"s3cret"}' });
const answer = (...names: readonly string[]): Step => ({
  kind: "answer",
  text: "",
  calls: names.map((name, at) => call(String(at), name)),
  at: 0,
});
const result = (callId: string, end: "done" | "failed"): Step => ({
  kind: "result",
  callId,
  end,
  text: "private",
  at: 0,
});

const compose = (text: string, limit = 2_000) =>
  composeReply({
    message: directMessage(),
    agentId: "main",
    text,
    shown: { overheard: [], texts: () => [], system: "" },
    rules: {
      chunks: { limit, maxLines: 17, mode: "length", maxChunks: 12 },
      tables: "code",
      allowedMentions: { users: "context", roles: [] },
      replyToMode: "first",
      linkHosts: [],
      maxFileBytes: 8_000_000,
      cleanSecrets: (text) => text,
    },
  });
const hello = compose("hello") as ReplyToSend;

/** The messages above an answer. */
const above = (seen: Parameters<typeof withPreface>[1], manner: Manner, limit?: number) =>
  withPreface(hello, seen, manner, (text) => compose(text, limit)).reply.chunks.slice(0, -1);

describe("[K2] [R10] withPreface()", () => {
  it("is empty unless people asked for it", () => {
    const seen = { thinking: "hm", steps: [answer("code"), result("0", "done")] };
    assert.deepEqual(above(seen, {}), []);
    assert.deepEqual(above({}, { showsThinking: true, showsSteps: true }), []);
    assert.deepEqual(above({ thinking: " \n" }, { showsThinking: true }), []);
  });

  it("names tools and their end, and nothing of their arguments and results", () => {
    const steps = [answer("code", "`x`\n# y"), result("0", "done"), result("1", "failed")];
    const [text] = above({ steps }, { showsSteps: true });
    assert.equal(text, "-# used `code`\n-# `?x????y` failed");
  });

  it("names ten tools at most", () => {
    const steps = [answer(...Array.from({ length: 13 }, () => "code"))];
    const lines = above({ steps }, { showsSteps: true }).join().split("\n");
    assert.equal(lines.length, 11);
    assert.equal(lines.at(-1), "-# and 3 more");
  });

  it("quotes thinking without its mentions, and cuts it", () => {
    const text = (thinking: string) => above({ thinking }, { showsThinking: true }).join("\n");
    assert.equal(text("Ask <@123>.\n\nOr <@&4>?"), "-# My thinking:\n> Ask @123.\n> Or @&4?");
    assert.ok(text("x".repeat(5_000)).length < 1_300);
  });

  it("[R15] quotes each line of thinking, however it is written and split", () =>
    fc.assert(
      fc.property(documents, fc.constantFrom(200, 2_000), (thinking, limit) => {
        const [first = "", ...others] = above({ thinking }, { showsThinking: true }, limit);
        const lines = [first.replace(/^-# My thinking:\n/, ""), ...others].join("\n").split("\n");
        assert.deepEqual(lines.filter((line) => line !== "" && !line.startsWith("> ")), []);
        assert.ok([first, ...others].every((one) => one.length <= 2_000));
      }),
    ));
});
