/** Plays a move: a backup of a bot that runs, and a restore on another machine. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { DATABASE_NAME } from "../../../src/host/files/data_dir.ts";
import { copyDatabase } from "../../../src/store/copy/copy.ts";
import { type Scene, stopBot, withSimulation } from "../../support/bot/e2e.ts";
import { startSecondBot } from "../../support/bot/second_bot.ts";
import { skipUnless } from "../../support/skip.ts";
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
});

describe("[O11] a start from a copy that lags behind", () => {
  it("answers no message twice, and none is lost", () =>
    withSimulation({}, async (scene) => {
      const { dataDir, say, mention, replies, written } = scene;
      const first = await scene.start();
      say("grace", "general", `${mention} alpha`);
      await replies("general", 1);
      mkdirSync(join(dataDir, "second"), { mode: 0o700 });
      copyDatabase(join(dataDir, DATABASE_NAME), join(dataDir, "second", DATABASE_NAME));

      say("grace", "general", `${mention} bravo`);
      await replies("general", 2);
      first.kill("SIGKILL");
      await first.exited;
      say("grace", "general", `${mention} charlie`);

      await using _second = startSecondBot(scene, { name: "second" });
      say("grace", "general", `${mention} delta`);
      // Each message has its turn after those before it, so a second answer would be there by then.
      await scene.until("the last answer", () =>
        written("general").some((one) => one.includes("delta")));
      for (const text of ["alpha", "bravo", "charlie", "delta"]) {
        const answers = written("general").filter((one) =>
          one.includes(text)
        );
        assert.equal(answers.length, 1, text);
      }
    }));
});

const BINARY = process.env["BARNACLE_BIN"] ?? "";
const onBinary = skipUnless(
  BINARY !== "" && process.platform === "linux",
  "only a binary of Linux is replaced while it runs",
);

describe("docs/upkeep.md", () => {
  it(
    "upgrades: the running bot goes on, the new program resumes and answers",
    onBinary,
    async () => {
      using folder = tempDirectory();
      const program = join(folder.path, "barnacle");
      const install = () => execFileSync("install", ["-m755", BINARY, program]);
      install();
      await withSimulation({ command: { program, args: [] } }, async (scene) => {
        const { start, say, mention, replies, cli, simulator } = scene;
        const first = await start();
        say("grace", "general", `${mention} one`);
        await replies("general", 1);
        assert.equal((await cli("config", "check")).code, 0);
        install(); // over the file of the running program
        // A tool and a command load code that the bot has not used so far.
        say("grace", "general", `${mention} two\ncall: read_channel_history {"limit":3}`);
        await replies("general", 2);
        await scene.eventually("its state", async () => {
          return /^(?:Healthy|Works)/.test((await cli("status")).stdout.join("\n"));
        });
        await stopBot(first);
        say("grace", "general", `${mention} three`);
        const second = await start();
        assert.match((await replies("general", 3))[2] ?? "", /three/);
        assert.equal(simulator.account().identifies.length, 1, "the session was not resumed");
        await stopBot(second);
      });
    },
  );
});
