import { bareAccount } from "../../support/account.ts";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { AnswerRules } from "../../../src/core/hooks/hook.ts";
import { createHookRunner } from "../../../src/extras/hooks/runner.ts";
import { ACCOUNT, channelId, outboundMessage } from "../../support/discord/builders.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { settle } from "../../support/settle.ts";
import { openTestStore } from "../../support/store/store.ts";

const MINUTE = 60_000;
const RULES: AnswerRules = { to: "channel:1", model: false, tools: [], perMinute: 6 };
const PLACE = { channelId: channelId("300000000000000001"), place: { kind: "dm" } } as const;

async function quiet(): Promise<void> {
  for (let turn = 0; turn < 30; turn++) await settle();
}

function build(limits: Partial<AnswerRules> = {}) {
  const clock = new FakeClock();
  const { store, rows } = openTestStore();
  const world: { setBackMs: number; hasRules: boolean; isHidden?: true; stop?: string } = {
    setBackMs: 0,
    hasRules: true,
  };
  const now = () => clock.now() - world.setBackMs;
  let number = 0;
  const { log } = recordingLog();
  const account = { accountId: ACCOUNT, store, schedule: clock.schedule, now, log };
  const runner = createHookRunner(bareAccount(account), {
    rulesOf: () => world.hasRules ? { ...RULES, ...limits } : undefined,
    placeOf: () => Promise.resolve({ kind: "place", ...PLACE }),
    wordsOf: (events) =>
      Promise.resolve(world.isHidden ? { unneeded: "hidden" } : { events, text: "", of: [] }),
    judge: () => assert.fail("a model is asked"),
    routeOf: () => ({ agentId: "main", sessionKey: "s" }),
    modelStop: () => Promise.resolve(world.stop),
    cleanSecrets: (text) => text,
    compose: ({ id }, content) => [
      { message: outboundMessage({ nonce: id, content }), files: [] },
    ],
    incidents: {
      placeOf: () => assert.fail("no incident"),
      update: () => Promise.resolve(undefined),
    },
  });
  return {
    world,
    runner,
    rows,
    posted: () => rows("SELECT message ->> '$.content' AS text FROM outbox ORDER BY id"),
    /** An event arrives, and some time passes. */
    async event(post: string, passMs = 0, key = "") {
      const event = { hook: "h", key, title: "", text: post, post, isEnd: false };
      await store.hooks.accept({ ...event, accountId: ACCOUNT }, now(), ++number);
      runner.wake();
      await quiet();
      clock.advance(passMs);
      await quiet();
    },
  };
}

describe("[W5] createHookRunner()", () => {
  it("answers the first event at once, and later ones as the rate permits", async () => {
    const { runner, event, posted } = build();
    runner.start();
    await event("one");
    await event("two", MINUTE / 6 - 1);
    assert.deepEqual(posted(), [{ text: "one" }]);
    await event("three", 1);
    assert.deepEqual(posted(), [{ text: "one" }, { text: "two\nthree" }]);
    await runner.stop();
  });

  it("delays no event by a clock that was set back", async () => {
    const { runner, event, posted, world } = build();
    runner.start();
    await event("one");
    world.setBackMs = 60 * MINUTE;
    await event("two");
    assert.deepEqual(posted(), [{ text: "one" }, { text: "two" }]);
    await event("three");
    assert.equal(posted().length, 2);
    await event("four", MINUTE / 6);
    assert.equal(posted().length, 3);
    await runner.stop();
  });

  it("[W3] refuses events of a removed hook at once, whatever its rate was", async () => {
    const { runner, event, posted, world, rows } = build();
    runner.start();
    await event("one");
    world.hasRules = false;
    await event("two");
    assert.deepEqual(rows("SELECT state FROM hook_run ORDER BY id"), [
      { state: "done" },
      { state: "refused" },
    ]);
    assert.equal(posted().length, 1);
    await runner.stop();
  });

  it("[T4] refuses events that need no answer, or whose place its readers may not read", async () => {
    const { runner, event, posted, world, rows } = build();
    runner.start();
    world.isHidden = true;
    await event("one");
    assert.deepEqual(rows("SELECT state, reason FROM hook_run"), [
      { state: "refused", reason: "hidden" },
    ]);
    assert.equal(posted().length, 0);
    await runner.stop();
  });

  it("[W7] gathers events of a server until they pause, and keeps the cooldown", async () => {
    const { runner, event, posted } = build({ cooldownMs: 5 * MINUTE, gatherMs: 5_000 });
    runner.start();
    for (const name of ["one", "two", "three"]) await event(name, 4_000);
    assert.deepEqual(posted(), []);
    await event("four", 5_000);
    assert.deepEqual(posted(), [{ text: "one\ntwo\nthree\nfour" }]);
    await event("five", 5 * MINUTE - 1);
    assert.equal(posted().length, 1);
    await event("six", 5_000);
    assert.equal(posted().length, 2);
    await runner.stop();
  });

  it("[W7] answers a raid that does not pause once a minute", async () => {
    const { runner, event, posted } = build({ cooldownMs: MINUTE, gatherMs: 5_000 });
    runner.start();
    for (let second = 0; second < 124; second += 4) await event(`raider ${second}`, 4_000);
    assert.equal(posted().length, 2);
    await runner.stop();
  });

  it("[W7] posts nothing of a server if no model may answer, and keeps no cooldown for it", async () => {
    const limits = { cooldownMs: 60 * MINUTE, gatherMs: 1, model: true };
    const { runner, event, posted, world, rows } = build(limits);
    world.stop = "an owner has paused the bot";
    runner.start();
    for (const place of ["a", "b", "c"]) await event("one", 5_000, place);
    assert.deepEqual(posted(), []);
    const refused = { state: "refused", reason: world.stop };
    assert.deepEqual(rows("SELECT state, reason FROM hook_run"), [refused, refused, refused]);
    await runner.stop();
  });
});
