/** Tests the files of the workspace as people on Discord see them. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { withSimulation } from "../../support/bot/e2e.ts";

const WRITE = 'call: write_file {"path":"notes/plan.md","text":"tea at five"}';

describe("[S6] the bot", () => {
  it("writes a file for an owner, and for no one else", () =>
    withSimulation({
      config: { commands: { ownerAllowFrom: ["grace"] } },
    }, async ({ start, say, mention, replies, dataDir }) => {
      await start();
      say("ada", "help", `${mention}\n${WRITE}`);
      assert.match((await replies("help", 1))[0] ?? "", /write_file cannot be used here/);
      say("grace", "general", `${mention}\n${WRITE}`);
      assert.match((await replies("general", 1))[0] ?? "", /Wrote 11 characters/);
      const path = join(dataDir, "agents", "main", "notes", "plan.md");
      assert.equal(readFileSync(path, "utf8"), "tea at five");
    }));
});
