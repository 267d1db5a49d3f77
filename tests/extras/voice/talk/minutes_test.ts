import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ModelRequest } from "../../../../src/core/model.ts";
import { createMinutes } from "../../../../src/extras/voice/talk/minutes.ts";
import { FakeClock } from "../../../support/fake_clock.ts";
import { recordingLog } from "../../../support/recording_log.ts";
import { settle } from "../../../support/settle.ts";

function build(summary: string | Error = "They met.", fails = false) {
  const clock = new FakeClock();
  const posts: string[] = [];
  const asked: ModelRequest[] = [];
  const minutes = createMinutes({
    post(text) {
      if (fails) return Promise.reject(new Error("no thread"));
      return Promise.resolve(void posts.push(text));
    },
    summarise(request) {
      asked.push(request);
      return summary instanceof Error ? Promise.reject(summary) : Promise.resolve(summary);
    },
    cleanSecrets: (text) => text.replaceAll("hunter2", "[redacted]"),
    boundary: () => "a1b2c3d4e5f6",
    schedule: clock.schedule,
    log: recordingLog().log,
  });
  return { minutes, posts, asked, clock };
}

describe("[V8] the minutes of a call", () => {
  it("are posted together with names, without secrets, and with a summary at the end", async () => {
    const { minutes, posts, asked, clock } = build();
    minutes.add("Ada **x**", "the word is hunter2");
    minutes.add("Ben", "two\nlines");
    clock.advance(10_000);
    await settle();
    assert.equal(posts.length, 1);
    const [first, second] = posts[0]?.split("\n") ?? [];
    assert.match(first ?? "", /^\*\*Ada .*\*\*: the word is \[redacted\]$/);
    assert.equal(second, "**Ben**: two lines");
    minutes.add("Ada", "three");
    minutes.add("Ben", "four");
    await minutes.end();
    assert.deepEqual(posts.slice(1), ["**Ada**: three\n**Ben**: four", "## Summary\nThey met."]);
    assert.match(asked[0]?.messages[0]?.text ?? "", /<transcript boundary="a1b2c3d4e5f6">/);
  });

  it("drop what a person wants forgotten", async () => {
    const { minutes, posts, asked } = build();
    for (let line = 0; line < 5; line++) minutes.add("Ada", "words");
    minutes.forget();
    minutes.add("Ben", "hi");
    await minutes.end();
    assert.deepEqual([posts, asked], [["**Ben**: hi"], []]);
  });

  it("have no summary of a few lines", async () => {
    const { minutes, posts, asked } = build();
    minutes.add("Ada", "hi");
    await minutes.end();
    assert.deepEqual([posts.length, asked.length], [1, 0]);
  });

  it("fit Discord's messages, and keep a bounded part of a long call for the summary", async () => {
    const { minutes, posts, asked } = build("x".repeat(5_000));
    for (let line = 0; line < 500; line++) minutes.add("Ada", `${line} ${"word ".repeat(60)}`);
    await minutes.end();
    assert.ok(posts.every(({ length }) => length <= 2_000));
    const lines = posts.join("\n").match(/\*\*Ada\*\*/g) ?? [];
    assert.equal(lines.length, 500);
    const read = asked[0]?.messages[0]?.text ?? "";
    assert.ok(read.length < 61_000 && read.includes("499 word") && !read.includes("**: 0 word"));
  });

  it("outlive a model without a summary, and a thread that cannot be posted to", async () => {
    for (const { minutes } of [build(new Error("down")), build("ok", true)]) {
      for (let line = 0; line < 5; line++) minutes.add("Ada", "words");
      await minutes.end();
    }
  });
});
