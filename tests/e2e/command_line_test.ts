/**
 * The commands that need no bot, as a user types them.
 */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { type Ran, runCommand } from "../support/e2e.ts";
import { tempDirectory } from "../support/temp_directory.ts";

const ENV = {
  PATH: process.env["PATH"],
  HOME: process.env["HOME"],
  DENO_DIR: process.env["DENO_DIR"],
};

function barnacle(...args: readonly string[]): Promise<Ran> {
  return runCommand(args, ENV);
}

describe("[O10] the command line", () => {
  it("version --json names version, commit, runtime and SQLite in one line", async () => {
    const { code, stdout, stderr } = await barnacle("version", "--json");
    assert.equal(code, 0);
    assert.deepEqual(stderr, []);
    assert.equal(stdout.length, 1);
    const facts = JSON.parse(stdout[0] ?? "");
    assert.match(facts.version, /^\d+\.\d+\.\d+/);
    assert.equal(typeof facts.commit, "string");
    assert.match(facts.runtime, /^(Bun|Deno) \d/);
    assert.match(facts.sqlite, /^3\.\d+\.\d+$/);
    assert.equal(facts.platform, `${process.platform}-${process.arch}`);
  });

  it("version says the same for people", async () => {
    const { code, stdout } = await barnacle("version");
    assert.equal(code, 0);
    assert.match(stdout.join("\n"), /^barnacle \d.*, (Bun|Deno) .*, SQLite 3\./);
  });

  const commands = [
    ["run"],
    ["demo"],
    ["status"],
    ["doctor"],
    ["netcheck"],
    ["invite"],
    ["version"],
    ["config", "check"],
    ["config", "schema"],
    ["config", "show"],
  ];
  for (const command of commands) {
    it(`${command.join(" ")} --help has an example`, async () => {
      const { code, stdout } = await barnacle(...command, "--help");
      assert.equal(code, 0);
      const example = new RegExp(`Example: .*barnacle ${command.join(" ")}`);
      assert.match(stdout.join("\n"), example);
    });
  }

  const common = ["--config", "--data", "--json"];
  for (const command of commands) {
    it(`${command.join(" ")} takes ${common.join(", ")}, and its help is plain text`, async () => {
      // What a shell says of its terminal is inherited by what has none.
      const colourful = { ...ENV, TERM: "xterm-256color", COLORTERM: "truecolor" };
      const { stdout } = await runCommand([...command, "--help"], colourful);
      const help = stdout.join("\n");
      for (const flag of common) assert.ok(help.includes(flag), flag);
      assert.ok(!help.includes("\x1b"), "no escape where no terminal is");
    });
  }

  it("--help lists every command", async () => {
    const { code, stdout } = await barnacle("--help");
    assert.equal(code, 0);
    for (const [name = ""] of commands) {
      assert.match(stdout.join("\n"), new RegExp(`\\b${name}\\b`));
    }
  });

  const wrong: readonly [args: readonly string[], hint: RegExp][] = [
    [["rum"], /run/],
    [["stauts"], /status/],
    [["config", "chek"], /check/],
    [["version", "--jsno"], /json/],
    [["run", "--conifg", "x"], /config/],
  ];
  for (const [args, hint] of wrong) {
    it(`ends with 2 and a hint on: ${args.join(" ")}`, async () => {
      const { code, stdout, stderr } = await barnacle(...args);
      assert.equal(code, 2);
      assert.deepEqual(stdout, []);
      assert.match(stderr.join("\n"), hint);
      assert.doesNotMatch(stderr.join("\n"), /^ +at /m);
    });
  }

  it("config check is content with a good file, and not with a bad one", async () => {
    using folder = tempDirectory();
    const file = join(folder.path, "config.jsonc");
    writeFileSync(file, "{}", { mode: 0o600 });
    const good = await barnacle("config", "check", "--config", file);
    assert.equal(good.code, 0);
    assert.equal(good.stdout.length, 1);
    assert.ok(good.stdout[0]?.startsWith(`${file}: ok`));
    writeFileSync(file, '{ "chanels": {} }', { mode: 0o600 });
    const bad = await barnacle("config", "check", "--config", file);
    assert.equal(bad.code, 78);
    assert.match(bad.stderr.join("\n"), /config\.jsonc:1:3: error: [\s\S]*did you mean "channels"/);
  });

  it("config schema prints a JSON Schema", async () => {
    const { code, stdout } = await barnacle("config", "schema");
    assert.equal(code, 0);
    assert.equal(JSON.parse(stdout.join("\n")).type, "object");
  });

  it("[C8] config show prints what applies, and no secret", async () => {
    using folder = tempDirectory();
    const file = join(folder.path, "config.jsonc");
    const text =
      '{ "channels": { "discord": { "token": "hunter2", "dm": { "enabled": false } } } }';
    writeFileSync(file, text, { mode: 0o600 });
    const { code, stdout, stderr } = await barnacle("config", "show", "--config", file);
    assert.equal(code, 0);
    assert.doesNotMatch([...stdout, ...stderr].join("\n"), /hunter2/);
    assert.equal(JSON.parse(stdout.join("\n")).channels.discord.token, "[redacted]");
  });
});
