/** Plays a move: a backup of a bot that runs, and a restore on another machine. */

import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { DATABASE_NAME } from "../../../src/host/files/data_dir.ts";
import { openDatabase } from "../../../src/store/database/database.ts";
import { type Scene, stopBot, withSimulation } from "../../support/bot/e2e.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const PASSPHRASE = "correct horse battery staple";

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

describe("[O11] barnacle backup, verify and restore", () => {
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
      assert.equal(statSync(file).mode & 0o777, 0o600);
      const verified = await scene.cli("verify", file);
      assert.deepEqual([verified.code, verified.stdout], [0, [`Whole: ${file}`]]);

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

  it("replaces existing data only with --force, and keeps them", () =>
    withSimulation({}, async (scene) => {
      using other = tempDirectory();
      const bot = await scene.start();
      scene.say("grace", "general", `${scene.mention} hello`);
      await scene.replies("general", 1);
      const file = await backUp(scene, other.path);
      bot.kill("SIGTERM");
      await bot.exited;
      const refused = await scene.cli("restore", file);
      assert.equal(refused.code, 1);
      assert.match(refused.stderr.join("\n"), /has data already \(barnacle\.db\); --force/);
      const restored = await scene.cli("restore", file, "--force");
      assert.equal(restored.code, 0, restored.stderr.join("\n"));
      const [old = ""] = readdirSync(scene.dataDir).filter((name) => name.endsWith(".bak"));
      assert.match(old, /^before-restore-.*Z\.bak$/);
      assert.ok(existsSync(join(scene.dataDir, old, "barnacle.db")));
    }));

  it("has secrets only if it is encrypted", () =>
    withSimulation({ config: { models: { providers: { x: SECRET_PROVIDER } } } }, async (scene) => {
      using other = tempDirectory();
      const passphrase = join(other.path, "passphrase");
      writeFileSync(passphrase, `${PASSPHRASE}\n`);
      await scene.start();
      const plain = await backUp(scene, join(other.path, "plain.tar.zst"));
      const sealed = await backUp(
        scene,
        join(other.path, "sealed.age"),
        "--passphrase-file",
        passphrase,
      );
      const told = await scene.cli("verify", plain);
      assert.match(told.stderr.join("\n"), /Without the secret models\.providers\.x\.apiKey: set/);
      assert.match(told.stderr.join("\n"), /channels\.discord\.token: it comes from DISCORD_BOT/);
      const without = await scene.cli("verify", sealed);
      assert.equal(without.code, 2);
      assert.match(without.stderr.join("\n"), /is encrypted; --passphrase-file names the file/);
      const home = join(other.path, "home");
      for (const [file, expected] of [[plain, "REPLACE_ME"], [sealed, SECRET_PROVIDER.apiKey]]) {
        assert.ok(file !== undefined && expected !== undefined);
        rmSync(home, { recursive: true, force: true });
        const restored = await scene.command([
          "restore",
          file,
          "--data",
          join(home, "data"),
          "--passphrase-file",
          passphrase,
        ], { HOME: home });
        assert.equal(restored.code, 0, restored.stderr.join("\n"));
        const config = JSON.parse(
          readFileSync(join(home, ".config", "barnacle", "config.jsonc"), "utf8"),
        );
        assert.equal(config.models.providers.x.apiKey, expected);
      }
    }));

  it("makes a missed night up at the start, encrypted, and status and doctor show it", () =>
    withSimulation({ config: { backup: { passphrase: PASSPHRASE } } }, async (scene) => {
      const database = openDatabase(join(scene.dataDir, DATABASE_NAME), Date.now());
      database.exec(
        `INSERT OR REPLACE INTO setting VALUES ('', 'bot', 'backups', '{"since":1}', 1)`,
      );
      database.close();
      const bot = await scene.start();
      await scene.line(bot, /"Made the nightly backup"/);
      const [name = ""] = readdirSync(join(scene.dataDir, "backups"));
      assert.match(name, /^barnacle-nightly-.*\.tar\.zst\.age$/);
      const status = await scene.cli("status");
      assert.match(status.stdout.join("\n"), /Backup +\d.* ago, .*barnacle-nightly-/);
      const doctor = await scene.cli("doctor", "--only", "host");
      assert.match(doctor.stdout.join("\n"), /Backups.*barnacle-nightly-/);
    }));

  /** Runs a command that a crash ends at a moment. */
  async function kill(scene: Scene, moment: string, ...args: readonly string[]): Promise<void> {
    const killed = await scene.command(
      [...args, "--data", scene.dataDir, "--config", scene.configFile],
      { BARNACLE_CRASH_AT: moment, DISCORD_API_URL: scene.simulator.apiUrl },
    );
    assert.deepEqual([killed.code, killed.signal], [null, "SIGKILL"], moment);
  }

  it("survives a kill of backup at each moment", () =>
    withSimulation({}, async (scene) => {
      using other = tempDirectory();
      await scene.start();
      scene.say("grace", "general", `${scene.mention} hello`);
      await scene.replies("general", 1);
      await backUp(scene, other.path);
      for (const [index, moment] of ["copied", "packed"].entries()) {
        await kill(scene, moment, "backup", "--to", other.path);
        const next = await backUp(scene, other.path);
        assert.equal((await scene.cli("verify", next)).code, 0, moment);
        const left = [...readdirSync(join(scene.dataDir, "backups")), ...readdirSync(other.path)];
        assert.deepEqual(left.filter((name) => name.startsWith(".copy-")), [], moment);
        scene.say("grace", "general", `${scene.mention} still here`);
        await scene.replies("general", index + 2);
      }
    }));

  it("survives a kill of restore at each moment", () =>
    withSimulation({}, async (scene) => {
      using other = tempDirectory();
      let bot = await scene.start();
      scene.say("grace", "general", `${scene.mention} hello`);
      await scene.replies("general", 1);
      const file = await backUp(scene, other.path);
      const moments = ["unpacked", "prepared", "moved", "moved:2", "moved:3"];
      for (const [index, moment] of moments.entries()) {
        bot.kill("SIGTERM");
        await bot.exited;
        await kill(scene, moment, "restore", file, "--force");
        // A command finds the old store or the new one, whole.
        const listed = await scene.cli("sessions", "list", "--json");
        assert.equal(listed.code, 0, listed.stderr.join("\n"));
        assert.equal(JSON.parse(listed.stdout[0] ?? "[]").length, 1, moment);
        scene.simulator.account().identifies.length = 0; // the restored store has none
        bot = await scene.start();
        scene.say("grace", "general", `${scene.mention} again`);
        await scene.replies("general", index + 2);
        const left = readdirSync(scene.dataDir);
        assert.deepEqual(left.filter((name) => /^restore\.(?:ready|moving)$/.test(name)), []);
      }
    }));
});

const SECRET_PROVIDER = {
  kind: "openai-compatible",
  baseUrl: "http://127.0.0.1:9/v1",
  apiKey: "sk-written-in-the-file-123",
};
