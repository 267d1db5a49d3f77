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

function build() {
  const clock = new FakeClock();
  const { store, rows } = openTestStore();
  const world = { setBackMs: 0, hasRules: true };
  const now = () => clock.now() - world.setBackMs;
  let number = 0;
  const runner = createHookRunner({
    accountId: ACCOUNT,
    store,
    events: { emit: { outbox: () => {}, asked: () => {} } },
    schedule: clock.schedule,
    now,
    log: recordingLog().log,
  }, {
    rulesOf: () => world.hasRules ? RULES : undefined,
    placeOf: () => Promise.resolve({ kind: "place", ...PLACE }),
    wordsOf: () => Promise.resolve(""),
    judge: () => assert.fail("a model is asked"),
    routeOf: () => ({ agentId: "main", sessionKey: "s" }),
    modelStop: () => Promise.resolve(undefined),
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
    async event(post: string, passMs = 0) {
      const event = { hook: "h", key: "", title: "", text: post, post, isEnd: false };
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
});
