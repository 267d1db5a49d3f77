/** Plays a move: a backup of a bot that runs, and a restore on another machine. */

import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { DATABASE_NAME } from "../../../src/host/files/data_dir.ts";
import { openDatabase } from "../../../src/store/database/database.ts";
import { type Scene, stopBot, withSimulation } from "../../support/bot/e2e.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

/** Makes a backup into a folder, and returns its path. */
async function backUp(scene: Scene, folder: string, ...args: string[]): Promise<string> {
  const made = await scene.cli("backup", "--to", folder, ...args);
  assert.equal(made.code, 0, made.stderr.join("\n"));
  const [path] = made.stdout;
  assert.ok(path);
  return path;
}

/** Empties the data directory, as another machine has it. */
function move({ dataDir, configFile }: Scene): void {
  for (const name of readdirSync(dataDir)) {
    const path = join(dataDir, name);
    if (path !== configFile) rmSync(path, { recursive: true });
  }
}

describe("[O11] barnacle backup and restore", () => {
  it("moves a bot that runs: conversations stay, and no old message gets an answer", () =>
    withSimulation({}, async (scene) => {
      using other = tempDirectory();
      const bot = await scene.start();
      scene.say("grace", "general", `${scene.mention} before the backup`);
      await scene.replies("general", 1);
      const workspace = join(scene.dataDir, "agents", "main");
      mkdirSync(workspace, { recursive: true });
      writeFileSync(join(workspace, "AGENTS.md"), "Be kind.");

      const file = await backUp(scene, other.path);

      scene.say("grace", "general", `${scene.mention} after the backup`);
      await scene.replies("general", 2);
      const beside = await scene.cli("restore", file, "--force");
      assert.equal(beside.code, 75);
      assert.match(beside.stderr.join("\n"), /a bot \(pid \d+\) runs with the data/);
      await stopBot(bot);
      scene.say("grace", "general", `${scene.mention} while it moves`);

      move(scene);
      const restored = await scene.cli("restore", file);
      assert.equal(restored.code, 0, restored.stderr.join("\n"));
      assert.equal(readFileSync(join(workspace, "AGENTS.md"), "utf8"), "Be kind.");
      assert.equal(scene.rows("SELECT 1 FROM gateway_session").length, 0);
      assert.equal(scene.rows("SELECT 1 FROM inbox WHERE state = 'answered'").length, 1);

      scene.simulator.account().identifies.length = 0;
      await scene.start();
      assert.equal(scene.simulator.account().identifies.length, 1); // no RESUME
      scene.say("grace", "general", `${scene.mention} on the new machine`);
      const replies = await scene.replies("general", 3);
      assert.equal(replies.length, 3);
      assert.match(replies[2] ?? "", /on the new machine/);
      const sessions = scene.rows("SELECT DISTINCT session_key FROM entry");
      assert.equal(sessions.length, 1);
    }));

  it("makes a missed night up at the start, and status and doctor show it", () =>
    withSimulation({}, async (scene) => {
      const database = openDatabase(join(scene.dataDir, DATABASE_NAME), Date.now());
      database.exec(
        `INSERT OR REPLACE INTO setting VALUES ('', 'bot', 'backups', '{"since":1}', 1)`,
      );
      database.close();
      const bot = await scene.start();
      await scene.line(bot, /"Made the nightly backup"/);
      const [name = ""] = readdirSync(join(scene.dataDir, "backups"));
      assert.match(name, /^barnacle-nightly-.*\.tar\.gz$/);
      const status = await scene.cli("status");
      assert.match(status.stdout.join("\n"), /Backup +\d.* ago, .*barnacle-nightly-/);
      const doctor = await scene.cli("doctor", "--only", "host");
      assert.match(doctor.stdout.join("\n"), /Backups.*barnacle-nightly-/);
    }));
});
