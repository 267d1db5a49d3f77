import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createSettings } from "../../../src/store/settings/settings.ts";
import { ACCOUNT } from "../../support/discord/builders.ts";
import { openTestStore } from "../../support/store/store.ts";

describe("[K2] settings.known()", () => {
  it("knows a setting of a place as soon as it is stored, and after the next start", async () => {
    const { store, database } = openTestStore();
    const { settings } = store;
    assert.equal(settings.known(ACCOUNT, "11", "queue"), undefined);
    await settings.change(ACCOUNT, "11", "queue", "steer", 1);
    assert.equal(settings.known(ACCOUNT, "11", "queue"), "steer");
    assert.equal(settings.known(ACCOUNT, "12", "queue"), undefined);
    const notUsed = { commit: () => Promise.reject(), readUnjournaled: () => Promise.reject() };
    assert.equal(createSettings(database, notUsed).known(ACCOUNT, "11", "queue"), "steer");
    await settings.change(ACCOUNT, "11", "queue", undefined, 2);
    assert.equal(settings.known(ACCOUNT, "11", "queue"), undefined);
  });
});

describe("[X4] settings.settingOf()", () => {
  it("returns a changed value at once, without control characters", async () => {
    const { settings } = openTestStore().store;
    await settings.change(ACCOUNT, "account", "presence", "a\u0000b", 1);
    assert.equal(await settings.settingOf(ACCOUNT, "account", "presence"), "ab");
  });
});
