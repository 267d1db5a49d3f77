import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { createToolServices } from "../../../src/bot/process/tool_services.ts";
import { testBot } from "../../support/bot/process.ts";
import { openTestStore } from "../../support/store/store.ts";
import { loadTestConfig } from "../../support/config.ts";
import { recordingLog } from "../../support/recording_log.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

describe("[T7] createToolServices()", () => {
  it("has the skills of each agent for the first one who asks", async () => {
    using folder = tempDirectory();
    mkdirSync(join(folder.path, "tides"));
    const text = "---\nname: tides\ndescription: Reads tide tables\n---\nLook.";
    writeFileSync(join(folder.path, "tides", "SKILL.md"), text);
    const one = await loadTestConfig({}, {
      agents: { list: [{ id: "main" }, { id: "other" }] },
      skills: { folders: [folder.path] },
    });
    const config = { ...one, accounts: [one.discord] };
    const setup = { config, accounts: new Map() };
    const { store } = openTestStore();
    const { log } = recordingLog();
    const services = await createToolServices(testBot({ setup, store, log, dataDir: folder.path }));
    for (const id of ["main", "other"]) {
      await services.skillsRead(id);
      assert.deepEqual(services.of(id).skills.now().skills.map(({ name }) => name), ["tides"]);
    }
    await services.stop();
  });
});
