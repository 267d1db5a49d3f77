import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createSettings } from "../../../src/store/settings/settings.ts";
import { createUngroupedTransactions } from "../../support/store/ungrouped.ts";
import { ACCOUNT, channelId, messageId } from "../../support/discord/builders.ts";
import { toAccountId } from "../../../src/core/discord/ids.ts";
import { openTestStore } from "../../support/store/store.ts";

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
