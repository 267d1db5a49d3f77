import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { UserId } from "../../../../src/core/discord/ids.ts";
import type { ModelRequest } from "../../../../src/core/model.ts";
import { createMinutes } from "../../../../src/extras/voice/talk/minutes.ts";
import { FakeClock } from "../../../support/fake_clock.ts";
import { recordingLog } from "../../../support/recording_log.ts";
import { settle } from "../../../support/settle.ts";

const [ADA, BEN] = ["1" as UserId, "2" as UserId];

function build(
  summary: string | Error | Promise<string> = "They met.",
  fails = false,
  opening: Promise<void> = Promise.resolve(),
) {
  const clock = new FakeClock();
  const posts: string[] = [];
  const saidBy: string[] = [];
  const asked: ModelRequest[] = [];
  const minutes = createMinutes({
    async thread() {
      await opening;
      if (fails) throw new Error("no thread");
      return (text, by) => Promise.resolve(void (posts.push(text), saidBy.push(by.join())));
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
  return { minutes, posts, saidBy, asked, clock };
}

describe("[V8] the minutes of a call", () => {
  it("are posted together with names, without secrets, and with a summary at the end", async () => {
    const { minutes, posts, asked, clock } = build();
    minutes.add(ADA, "Ada **x**", "the word is hunter2");
    minutes.add(BEN, "Ben", "two\nlines");
    clock.advance(10_000);
    await settle();
    assert.equal(posts.length, 1);
    const [first, second] = posts[0]?.split("\n") ?? [];
    assert.match(first ?? "", /^\*\*Ada .*\*\*: the word is \[redacted\]$/);
    assert.equal(second, "**Ben**: two lines");
    minutes.add(ADA, "Ada", "three");
    minutes.add(BEN, "Ben", "four");
    await minutes.end();
    assert.deepEqual(posts.slice(1), ["**Ada**: three\n**Ben**: four", "## Summary\nThey met."]);
    assert.match(asked[0]?.messages[0]?.text ?? "", /<transcript boundary="a1b2c3d4e5f6">/);
  });

  it("drop what a person wants forgotten, and keep the words of others", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { minutes, posts, saidBy, asked, clock } = build("They met.", false, promise);
    minutes.add(BEN, "Ben", "first");
    for (let line = 0; line < 5; line++) minutes.add(ADA, "Ada", "words");
    clock.advance(10_000);
    minutes.add(ADA, "Ada", "more words");
    minutes.add(BEN, "Ben", "hi");
    minutes.forget(ADA);
    minutes.add(ADA, "Ada", "new");
    resolve();
    await minutes.end();
    assert.deepEqual(posts, ["**Ben**: first", "**Ben**: hi\n**Ada**: new"]);
    assert.deepEqual([saidBy, asked], [["2", "2,1"], []]);
  });

  it("drop a summary with the words of a person who wants them forgotten meanwhile", async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const { minutes, posts, asked } = build(promise);
    minutes.add(BEN, "Ben", "first");
    for (let line = 0; line < 5; line++) minutes.add(ADA, "Ada", "words");
    const ended = minutes.end();
    await settle();
    assert.deepEqual([posts.length, asked.length], [1, 1]);
    minutes.forget(ADA);
    resolve("Ada said words.");
    await ended;
    assert.equal(posts.length, 1);
  });

  it("have no summary of a few lines", async () => {
    const { minutes, posts, asked } = build();
    minutes.add(ADA, "Ada", "hi");
    await minutes.end();
    assert.deepEqual([posts.length, asked.length], [1, 0]);
  });

  it("fit Discord's messages, and keep a bounded part of a long call for the summary", async () => {
    const { minutes, posts, asked } = build("x".repeat(5_000));
    for (let line = 0; line < 500; line++) minutes.add(ADA, "Ada", `${line} ${"word ".repeat(60)}`);
    await minutes.end();
    assert.ok(posts.every(({ length }) => length <= 2_000));
    const lines = posts.join("\n").match(/\*\*Ada\*\*/g) ?? [];
    assert.equal(lines.length, 500);
    const read = asked[0]?.messages[0]?.text ?? "";
    assert.ok(read.length < 61_000 && read.includes("499 word") && !read.includes("**: 0 word"));
  });

  it("outlive a model without a summary, and a thread that cannot be posted to", async () => {
    for (const { minutes } of [build(new Error("down")), build("ok", true)]) {
      for (let line = 0; line < 5; line++) minutes.add(ADA, "Ada", "words");
      await minutes.end();
    }
  });
});
