import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { toAccountId } from "../../../src/core/discord/ids.ts";
import { createSettings } from "../../../src/store/settings/settings.ts";
import { ACCOUNT, channelId, messageId } from "../../support/discord/builders.ts";
import { openTestStore } from "../../support/store/store.ts";
import { createUngroupedTransactions } from "../../support/store/ungrouped.ts";

describe("[X4] createPauses()", () => {
  it("keeps the first pause, with its time and its author, until it ends", async () => {
    const { store: { settings } } = openTestStore();
    assert.equal(await settings.pauseOf(ACCOUNT), undefined);
    const pause = { by: "cli", since: 5 };
    const on = { to: true, by: "cli" } as const;
    assert.deepEqual(await settings.changePause(ACCOUNT, on, 5), { pause, isChanged: true });
    const again = await settings.changePause(ACCOUNT, { ...on, by: "900" }, 6);
    assert.deepEqual(again, { pause, isChanged: false });
    const off = { to: false, by: "cli" } as const;
    const ended = await settings.changePause(ACCOUNT, off, 7);
    assert.deepEqual(ended, { pause: undefined, isChanged: true });
    assert.equal((await settings.changePause(ACCOUNT, off, 8)).isChanged, false);
    assert.equal(await settings.pauseOf(ACCOUNT), undefined);
  });

  it("takes no command twice", async () => {
    const { store: { settings } } = openTestStore();
    const call = { to: "other", by: "900", callId: "1" } as const;
    assert.equal((await settings.changePause(ACCOUNT, call, 1)).isChanged, true);
    const repeated = await settings.changePause(ACCOUNT, call, 2);
    assert.deepEqual(repeated, { pause: { by: "900", since: 1 }, isChanged: false });
    const next = await settings.changePause(ACCOUNT, { ...call, callId: "2" }, 3);
    assert.deepEqual(next, { pause: undefined, isChanged: true });
  });

  it("[X5] forgets who has paused the bot, and keeps the pause", async () => {
    const { store: { settings }, database } = openTestStore();
    await settings.change(ACCOUNT, "11", "queue", "steer", 1);
    await settings.changePause(ACCOUNT, { to: true, by: "900" }, 1);
    const { SETTING: { forgets } } = await import("../../../src/store/schema/agent.ts");
    assert.ok(typeof forgets !== "string");
    for (const { where, to } of forgets.set ?? []) {
      database.prepare(`UPDATE setting SET ${to} WHERE ${where}`).run({ userId: "900" });
    }
    assert.deepEqual(await settings.pauseOf(ACCOUNT), { by: "1", since: 1 });
  });
});

it("[K2] settings.known() › knows a setting of a place as soon as it is stored, and after the next start", async () => {
  const { store, database } = openTestStore();
  const { settings } = store;
  assert.equal(settings.known(ACCOUNT, "11", "queue"), undefined);
  await settings.change(ACCOUNT, "11", "queue", "steer", 1);
  assert.equal(settings.known(ACCOUNT, "11", "queue"), "steer");
  assert.equal(settings.known(ACCOUNT, "12", "queue"), undefined);
  const notUsed = createUngroupedTransactions(database);
  assert.equal(createSettings(notUsed).known(ACCOUNT, "11", "queue"), "steer");
  await settings.change(ACCOUNT, "11", "queue", undefined, 2);
  assert.equal(settings.known(ACCOUNT, "11", "queue"), undefined);
});

describe("[P11] settings.keepLoopRun()", () => {
  const PLACE = channelId("1400000000000000011");
  const RUN = { length: 2, bots: 1, asked: 1, owed: 1, mutes: 0 };

  it("keeps a run for the next process", async () => {
    const { store, database } = openTestStore();
    const { settings } = store;
    const newest = messageId("1400000000000000012");
    settings.keepLoopRun(ACCOUNT, PLACE, { ...RUN, newest, mutedAt: 7, isTold: true }, 1);
    settings.keepLoopRun(ACCOUNT, channelId("1400000000000000013"), RUN, 1);
    settings.keepLoopRun(ACCOUNT, channelId("1400000000000000013"), undefined, 2);
    const expected = [[PLACE, { ...RUN, newest, mutedAt: 7, isTold: true }]];
    assert.deepEqual([...settings.loopRuns(ACCOUNT)], expected);
    await settings.change(ACCOUNT, "11", "queue", "steer", 1); // a later transaction
    const next = createSettings(createUngroupedTransactions(database));
    assert.deepEqual([...next.loopRuns(ACCOUNT)], expected);
    assert.deepEqual([...next.loopRuns(toAccountId("other"))], []);
  });
});
