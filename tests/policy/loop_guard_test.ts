import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { createLoopGuard } from "../../src/policy/loop_guard.ts";
import type { LoopGuardRules } from "../../src/policy/rules/rules.ts";
import { channelId } from "../support/discord/builders.ts";
import { CHANNEL } from "./policies.ts";

const OTHER = channelId("1400000000000000077");
const RULES: LoopGuardRules = { maxTurns: 4, muteMs: 1_000 };
const BY = { p: "person", b: "bot", o: "own" } as const;

/**
 * Whether the guard mutes after messages a millisecond apart. `b`: a bot's; `o`: our own; `p`: a
 * person's.
 */
function mutedAfter(messages: string, rules = RULES): boolean {
  const guard = createLoopGuard(() => rules);
  for (const [index, by] of [...messages].entries()) {
    guard.record(CHANNEL, BY[by as keyof typeof BY], index);
  }
  return guard.isMuted(CHANNEL, messages.length);
}

describe("[P11] createLoopGuard()", () => {
  const cases: readonly [messages: string, muted: boolean][] = [
    ["", false],
    ["bob", false],
    ["bobo", true],
    ["obob", true],
    ["bbbo", true],
    ["obbb", true],
    ["oooo", true], // only ours: no other bot takes part
    ["bbbbbb", false], // others among themselves
    ["obbbb", true], // muted when the fourth came
    ["pbobo", true],
    ["bobp", false],
    ["bobpo", false],
    ["bobop", false], // a person ends it
    ["bobopbob", false],
    ["bobopbobo", true],
    ["bbbbbbo", true], // ours is among the last four
  ];
  for (const [messages, muted] of cases) {
    it(`${messages || "nothing"}: ${muted ? "quiet" : "goes on"}`, () => {
      assert.equal(mutedAfter(messages), muted);
    });
  }

  it("[C9] ignores our own message before the last few", () => {
    for (const length of [3, 4]) {
      let rules = { maxTurns: 10, muteMs: 1_000 };
      const guard = createLoopGuard(() => rules);
      guard.record(CHANNEL, "own", 0);
      for (let at = 1; at < length; at++) guard.record(CHANNEL, "bot", at);
      rules = { maxTurns: 3, muteMs: 1_000 };
      guard.record(CHANNEL, "bot", length);
      assert.equal(guard.isMuted(CHANNEL, length), false);
    }
  });

  it("ends the mute after its time, regardless of the bots' messages", () => {
    const guard = createLoopGuard(() => RULES);
    for (let at = 1; at <= 4; at++) guard.record(CHANNEL, at % 2 ? "own" : "bot", at);
    assert.equal(guard.isMuted(CHANNEL, 4), true);
    for (let at = 5; at < 900; at += 10) guard.record(CHANNEL, "bot", at);
    assert.equal(guard.isMuted(CHANNEL, 1_003), true);
    assert.equal(guard.isMuted(CHANNEL, 1_004), false);
    for (const [index, by] of (["bot", "own", "bot"] as const).entries()) {
      guard.record(CHANNEL, by, 1_005 + index);
    }
    assert.equal(guard.isMuted(CHANNEL, 1_010), false, "a conversation begins anew");
    guard.record(CHANNEL, "own", 1_011);
    assert.equal(guard.isMuted(CHANNEL, 1_011), true);
  });

  it("counts each channel on its own", () => {
    const guard = createLoopGuard(() => RULES);
    for (let at = 0; at < 4; at++) guard.record(CHANNEL, "own", at);
    assert.equal(guard.isMuted(OTHER, 4), false);
  });

  it("[C9] uses the current rules", () => {
    let rules = { maxTurns: 10, muteMs: 1_000 };
    const guard = createLoopGuard(() => rules);
    for (let at = 0; at < 3; at++) guard.record(CHANNEL, "own", at);
    rules = { maxTurns: 4, muteMs: 1_000 };
    guard.record(CHANNEL, "bot", 4);
    assert.equal(guard.isMuted(CHANNEL, 4), true);
    rules = { maxTurns: 4, muteMs: 10 };
    assert.equal(guard.isMuted(CHANNEL, 14), false);
  });

  it("mutes exactly if the last messages are all by bots and one is ours", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("p", "b", "o"), maxLength: 12 }), (said) => {
        const lastPerson = said.lastIndexOf("p");
        const run = said.slice(lastPerson + 1);
        let expected = false;
        for (let end = RULES.maxTurns; end <= run.length; end++) {
          expected ||= run.slice(end - RULES.maxTurns, end).includes("o");
        }
        assert.equal(mutedAfter(said), expected);
      }),
    );
  });

  it("keeps a bounded number of channels, the latest", () => {
    const guard = createLoopGuard(() => ({ maxTurns: 1, muteMs: 1_000 }));
    const nth = (n: number) => channelId(String(1_400_000_000_000_000_000n + BigInt(n)));
    for (let n = 0; n <= 10_000; n++) guard.record(nth(n), "own", 0);
    assert.equal(guard.isMuted(nth(0), 1), false, "forgotten");
    assert.equal(guard.isMuted(nth(1), 1), true);
    assert.equal(guard.isMuted(nth(10_000), 1), true);
  });
});
