import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Foreign } from "../../../src/core/inbound/inbox.ts";
import {
  duplicateDoubt,
  sawForeign,
  stopDuplicateWatch,
} from "../../../src/flows/preflight/duplicate_instance.ts";
import { testAccount } from "../../support/bot/test_account.ts";
import { channelId, messageId } from "../../support/discord/builders.ts";

const FOREIGN: Foreign = {
  messageId: messageId("1100000000000000001"),
  channelId: channelId("200000000000000001"),
  why: "unknown",
};

const SEC = 1_000;
const MIN = 60 * SEC;

async function watch() {
  const { account, clock, lines } = await testAccount();
  return {
    clock,
    account,
    lines,
    doubt: () => duplicateDoubt(account),
    levels: () => lines.map(({ level }) => level),
    /** Lets time pass, and then receives a message. */
    see(afterMs: number, why: Foreign["why"] = "unknown") {
      clock.advance(afterMs);
      sawForeign(account, [{ ...FOREIGN, why }]);
    },
  };
}

describe("[G11] sawForeign()", () => {
  it("has no doubt without foreign messages", async () => {
    const { account, doubt, clock, levels } = await watch();
    sawForeign(account, []);
    clock.advance(60 * MIN);
    assert.equal(doubt(), undefined);
    assert.deepEqual([levels(), clock.pending], [[], 0]);
  });

  it("ends with the account, and leaves no timer", async () => {
    const { account, see, clock, levels } = await watch();
    see(0);
    stopDuplicateWatch(account);
    see(0);
    assert.deepEqual([levels(), clock.pending], [["info"], 0]);
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
    it(name, async () => {
      const { see, doubt, levels } = await watch();
      for (const ms of afterMs) see(ms);
      assert.deepEqual(levels(), expected);
      assert.equal(doubt()?.isDeploy, isDeploy);
    });
  }

  it("logs the evidence and the next step", async () => {
    const { see, lines, clock, doubt } = await watch();
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
    assert.deepEqual(doubt(), {
      since: clock.now() - MIN,
      lastAt: clock.now(),
      evidence,
      isDeploy: false,
    });
  });

  it("keeps its doubt for ten minutes, and logs its end once", async () => {
    const { see, doubt, clock, levels } = await watch();
    see(0);
    assert.equal(doubt()?.isDeploy, true);
    see(MIN);
    clock.advance(10 * MIN - 1);
    assert.equal(doubt()?.isDeploy, false);
    clock.advance(1);
    assert.equal(doubt(), undefined);
    clock.advance(60 * MIN);
    assert.deepEqual(levels(), ["info", "warn", "info"]);
  });

  it("keeps its doubt if the wall clock is set back", async () => {
    const { see, clock, doubt, levels } = await watch();
    see(0);
    see(MIN);
    clock.set(-5 * MIN);
    see(0);
    assert.equal(doubt()?.isDeploy, false);
    assert.deepEqual(levels(), ["info", "warn"]);
  });
});
