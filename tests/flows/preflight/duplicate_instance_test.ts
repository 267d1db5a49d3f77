import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Foreign } from "../../../src/core/inbound/inbox.ts";
import { createDuplicateWatch } from "../../../src/flows/preflight/duplicate_instance.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { channelId, messageId } from "../../support/discord/builders.ts";
import { recordingLog } from "../../support/recording_log.ts";

const FOREIGN: Foreign = {
  messageId: messageId("1100000000000000001"),
  channelId: channelId("200000000000000001"),
  why: "unknown",
};

const SEC = 1_000;
const MIN = 60 * SEC;

function watch() {
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  const duplicates = createDuplicateWatch({ now: clock.now, schedule: clock.schedule, log });
  return {
    clock,
    duplicates,
    lines,
    levels: () => lines.map(({ level }) => level),
    /** Lets time pass, and then receives a message. */
    see(afterMs: number, why: Foreign["why"] = "unknown") {
      clock.advance(afterMs);
      duplicates.foreign([{ ...FOREIGN, why }]);
    },
    invalidate(afterMs: number, shardId = 0) {
      clock.advance(afterMs);
      duplicates.sessionEnded(shardId);
    },
  };
}

describe("[G11] createDuplicateWatch() › foreign messages", () => {
  it("has no doubt without foreign messages", () => {
    const { duplicates, clock, levels } = watch();
    duplicates.foreign([]);
    clock.advance(60 * MIN);
    assert.equal(duplicates.doubt(), undefined);
    assert.deepEqual([levels(), clock.pending], [[], 0]);
  });

  /** Delays between messages, the logged line, and the doubt after them. */
  const CASES: readonly (readonly [
    name: string,
    afterMs: readonly number[],
    levels: readonly string[],
    isDeploy: boolean,
  ])[] = [
    ["takes one for a deploy", [0], ["info"], true],
    ["takes many within a minute for a deploy", [0, 20 * SEC, 39_999], ["info"], true],
    ["doubts after a minute", [0, MIN], ["info", "warn"], false],
    ["doubts once", [0, MIN, MIN, MIN], ["info", "warn"], false],
    ["doubts of one that comes late", [0, 10 * MIN - 1], ["info", "warn"], false],
    ["forgets the first after ten minutes", [0, 10 * MIN], ["info", "info"], true],
    ["forgets ten minutes after the last", [0, 5 * MIN, 9 * MIN, 9 * MIN, 10 * MIN], [
      "info",
      "warn",
      "info",
      "info",
    ], true],
  ];
  for (const [name, afterMs, expected, isDeploy] of CASES) {
    it(name, () => {
      const { see, duplicates, levels } = watch();
      for (const ms of afterMs) see(ms);
      assert.deepEqual(levels(), expected);
      assert.equal(duplicates.doubt()?.isDeploy, isDeploy);
    });
  }

  it("logs the evidence and the next step", () => {
    const { see, lines, clock, duplicates } = watch();
    see(0);
    see(MIN, "unsent");
    const warning = lines[1];
    assert.match(
      warning?.event ?? "",
      /may use this bot token\. If so, both answer: stop the other program, or reset/,
    );
    const evidence = "Message 1100000000000000001 in channel 200000000000000001 is by this bot, " +
      "which this process had not sent yet";
    assert.equal(warning?.fields["evidence"], evidence);
    assert.deepEqual(duplicates.doubt(), {
      since: clock.now() - MIN,
      lastAt: clock.now(),
      evidence,
      isDeploy: false,
    });
  });

  it("keeps its doubt for ten minutes, and logs its end once", () => {
    const { see, duplicates, clock, levels } = watch();
    see(0);
    assert.equal(duplicates.doubt()?.isDeploy, true);
    see(MIN);
    clock.advance(10 * MIN - 1);
    assert.equal(duplicates.doubt()?.isDeploy, false);
    clock.advance(1);
    assert.equal(duplicates.doubt(), undefined);
    clock.advance(60 * MIN);
    assert.deepEqual(levels(), ["info", "warn", "info"]);
  });

  it("keeps its doubt if the wall clock is set back", () => {
    const { see, clock, duplicates, levels } = watch();
    see(0);
    see(MIN);
    clock.advance(-5 * MIN);
    see(0);
    assert.equal(duplicates.doubt()?.isDeploy, false);
    assert.deepEqual(levels(), ["info", "warn"]);
  });
});

describe("[G11] createDuplicateWatch() › sessions that Discord ends", () => {
  const CASES: readonly (readonly [
    name: string,
    afterMs: readonly number[],
    levels: readonly string[],
  ])[] = [
    ["thinks nothing of two", [0, 5 * MIN], []],
    ["doubts of the third", [0, 4 * MIN, 4 * MIN], ["warn"]],
    ["thinks nothing of the third in more than ten minutes", [0, 5 * MIN, 5 * MIN], []],
    ["takes three within a minute for a deploy", [0, 20 * SEC, 20 * SEC], ["info"]],
    ["doubts once they go on", [0, 20 * SEC, 20 * SEC, 20 * SEC], ["info", "warn"]],
    ["doubts once", [0, 2 * MIN, 2 * MIN, 2 * MIN, 2 * MIN], ["warn"]],
  ];
  for (const [name, afterMs, expected] of CASES) {
    it(name, () => {
      const { invalidate, levels } = watch();
      for (const ms of afterMs) invalidate(ms);
      assert.deepEqual(levels(), expected);
    });
  }

  it("ignores one ended session of each shard, as when Discord restarts", () => {
    const { invalidate, levels } = watch();
    for (let shardId = 0; shardId < 16; shardId++) invalidate(6 * SEC, shardId);
    assert.deepEqual(levels(), []);
    for (const ms of [2 * MIN, 2 * MIN]) invalidate(ms, 3);
    assert.deepEqual(levels(), ["warn"]);
  });

  it("counts from the first ended session, and names their number", () => {
    const { invalidate, duplicates, clock } = watch();
    for (const ms of [0, 4 * MIN, 4 * MIN]) invalidate(ms);
    assert.deepEqual(duplicates.doubt(), {
      since: clock.now() - 8 * MIN,
      lastAt: clock.now(),
      evidence: "Discord ended 3 sessions within 10 min",
      isDeploy: false,
    });
  });

  it("joins with messages: a deploy that continues is none", () => {
    const { see, invalidate, levels } = watch();
    see(0);
    for (const ms of [20 * SEC, 20 * SEC, 20 * SEC]) invalidate(ms);
    assert.deepEqual(levels(), ["info", "warn"]);
  });
});
