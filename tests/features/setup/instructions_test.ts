/** Tests the first instructions of an agent. */

import assert from "node:assert/strict";
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
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { writeInstructions } from "../../../src/features/setup/finish.ts";
import { skipUnless } from "../../support/skip.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const NAMES = ["AGENTS.md", "SOUL.md"];

/** An unprivileged user of each system. */
const OTHER_USER = 65_534;

describe("[S6] writeInstructions()", () => {
  it("writes two short files that only this user reads", () => {
    using directory = tempDirectory();
    const dataDir = join(directory.path, "data");
    const workspace = join(dataDir, "agents", "main");
    assert.equal(writeInstructions(workspace, dataDir), true);
    assert.deepEqual(readdirSync(workspace).sort(), NAMES);
    for (const name of NAMES) {
      const path = join(workspace, name);
      const text = readFileSync(path, "utf8");
      assert.match(text, /^# [A-Z]/);
      assert.ok(text.length < 600, `${name} is no short file`);
      assert.equal(statSync(path).mode & 0o777, 0o600);
    }
    assert.equal(statSync(workspace).mode & 0o777, 0o700);
    assert.equal(statSync(dataDir).mode & 0o777, 0o700);
  });

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

  it("says that a file is in the place of the folder", () => {
    using directory = tempDirectory();
    writeFileSync(join(directory.path, "agents"), "");
    const workspace = join(directory.path, "agents", "main");
    assert.throws(() => writeInstructions(workspace, directory.path), { code: "ENOTDIR" });
  });

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
