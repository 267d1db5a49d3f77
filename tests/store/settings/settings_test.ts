import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setImmediate } from "node:timers/promises";
import { openDatabase } from "../../../src/store/database/database.ts";
import { createSettings } from "../../../src/store/settings/settings.ts";
import { createStore } from "../../../src/store/store.ts";
import { ACCOUNT } from "../../support/discord/builders.ts";
import { openTestStore } from "../../support/store/store.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

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
  it("sees what another process has changed", async () => {
    using directory = tempDirectory();
    const path = join(directory.path, "barnacle.db");
    const open = () => createStore(openDatabase(path, 0), path, { elapsed: () => 0 }).settings;
    const [bot, command] = [open(), open()];
    assert.equal(await bot.isPaused(ACCOUNT), false);
    await command.changePause(ACCOUNT, { to: true, by: "cli" }, 1);
    await setImmediate(); // a burst of turns asks once
    assert.equal(await bot.isPaused(ACCOUNT), true);
    await bot.changePause(ACCOUNT, { to: false, by: "900" }, 2);
    assert.equal(await bot.isPaused(ACCOUNT), false);
    await command.change(ACCOUNT, "account", "presence", "high", 3);
    await setImmediate();
    assert.equal(await bot.settingOf(ACCOUNT, "account", "presence"), "high");
  });

  it("returns a changed value at once, without control characters", async () => {
    const { settings } = openTestStore().store;
    await settings.change(ACCOUNT, "account", "presence", "a\u0000b", 1);
    assert.equal(await settings.settingOf(ACCOUNT, "account", "presence"), "ab");
  });
});
