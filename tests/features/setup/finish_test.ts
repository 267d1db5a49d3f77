/** Tests the end of a setup on a machine with systemd: its service, its first words, and its start. */

import assert from "node:assert/strict";
import process from "node:process";
import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { wholeAnswers } from "../../../src/features/setup/answers.ts";
import { finish, type SetupEnd, writeInstructions } from "../../../src/features/setup/finish.ts";
import { skipUnless } from "../../support/skip.ts";
import { tempDirectory } from "../../support/temp_directory.ts";
import { CONFIG, onStage, type Stage, TOKEN } from "../service/stage.ts";
import { FINISHED, scriptedSetup } from "./support.ts";

/** Ends a setup of a new config for the service of a user. */
async function ended(
  prepare: (stage: Stage, data: string) => void,
  check: (end: SetupEnd, said: string, stage: Stage, file: string) => void,
) {
  await onStage(async (stage) => {
    const { machine, io, root, put } = stage;
    const choice = "As a service, which starts with the machine and after a crash";
    const scripted = scriptedSetup([choice], { machine, io });
    const file = put("home/ada/config.jsonc", CONFIG, 0o600);
    put("home/ada/credentials/discord_token", TOKEN, 0o600);
    put("data/.keep", "");
    const data = join(root, "data");
    prepare(stage, data);
    const answers = { ...wholeAnswers(FINISHED)!, token: TOKEN };
    const end = await finish(answers, { kind: "opened", file }, scripted.setup, { data });
    const said = scripted.lines.join("\n");
    assert.ok(!said.includes(TOKEN) && !said.includes("sk-test"));
    check(end, said, stage, file);
  }, { uid: 1000 });
}

describe("[O3] the end of a setup", () => {
  it("installs the service with the secrets, instructs the agent, and greets", () =>
    ended(() => {}, (end, said, { text, calls }, file) => {
      assert.deepEqual(end, { code: 0, start: "service", runs: undefined });
      const secrets = join(dirname(file), "credentials");
      assert.equal(text(join(secrets, "discord_token")), `${TOKEN}\n`);
      assert.equal(text(join(secrets, "openai_api_key")), "sk-test\n");
      assert.ok(calls().includes("systemctl --user enable barnacle.service"));
      assert.match(said, /^ok {4}Wrote AGENTS\.md and SOUL\.md to .*data\/agents\/main:/m);
      assert.match(text("data/agents/main/AGENTS.md"), /^# Instructions/);
      // No bot answers in this test.
      assert.match(said, /^warn {2}No first direct message: .*; the bot works without$/m);
      assert.match(said, /^ {6}Done\. {2}\S+ status · /m);
    }));

  it("says why the service and the instructions could not be written, and keeps the config", () =>
    ended(({ put }, data) => {
      put("home/ada/.config/systemd/user/barnacle.service", "[Service]\n");
      writeFileSync(join(data, "agents"), "");
    }, (end, said) => {
      assert.equal(end.code, 1);
      assert.match(said, /^fail {2}.*is not a unit of Barnacle/m);
      assert.match(said, /^ {6}The config is written\. Try again with/m);
      assert.match(said, /^warn {2}No AGENTS\.md and SOUL\.md: /m);
      assert.match(said, /run --data \S+ · \S+ service install --data \S+ · \S+ status/);
    }));
});

const NAMES = ["AGENTS.md", "SOUL.md"];

/** An unprivileged user of each system. */
const OTHER_USER = 65_534;

describe("[S6] writeInstructions()", () => {
  for (const name of NAMES) {
    it(`writes nothing beside a ${name}`, () => {
      using directory = tempDirectory();
      const workspace = join(directory.path, "agents", "main");
      mkdirSync(workspace, { recursive: true });
      writeFileSync(join(workspace, name), "mine");
      assert.equal(writeInstructions(workspace, directory.path), false);
      assert.deepEqual(readdirSync(workspace), [name]);
      assert.equal(readFileSync(join(workspace, name), "utf8"), "mine");
    });
  }

  it("replaces no link, also if it leads nowhere", () => {
    using directory = tempDirectory();
    const workspace = join(directory.path, "agents", "main");
    const elsewhere = join(directory.path, "elsewhere");
    mkdirSync(workspace, { recursive: true });
    symlinkSync(elsewhere, join(workspace, "AGENTS.md"));
    assert.throws(() => writeInstructions(workspace, directory.path), { code: "EEXIST" });
    assert.equal(existsSync(elsewhere), false);
  });

  describe(
    "as root, for a service",
    skipUnless(process.geteuid?.() === 0, "only root gives files to others"),
    () => {
      it("gives files and folders to the service's user", () => {
        using directory = tempDirectory();
        const dataDir = join(directory.path, "data");
        mkdirSync(dataDir);
        chownSync(dataDir, OTHER_USER, OTHER_USER);
        const workspace = join(dataDir, "agents", "main");
        writeInstructions(workspace, dataDir);
        for (
          const path of [
            join(dataDir, "agents"),
            workspace,
            ...NAMES.map((n) => join(workspace, n)),
          ]
        ) assert.equal(statSync(path).uid, OTHER_USER, path);
      });

      it("follows no link of that user out of the data directory", () => {
        using directory = tempDirectory();
        const dataDir = join(directory.path, "data");
        const elsewhere = join(directory.path, "elsewhere");
        for (const path of [dataDir, elsewhere]) mkdirSync(path);
        symlinkSync(elsewhere, join(dataDir, "agents"));
        chownSync(dataDir, OTHER_USER, OTHER_USER);
        const workspace = join(dataDir, "agents", "main");
        assert.throws(() => writeInstructions(workspace, dataDir), /a link leads out/);
        assert.deepEqual(readdirSync(elsewhere), []);
      });
    },
  );
});
