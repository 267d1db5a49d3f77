/** Tests the commands that need no bot, as a user types them. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { type Ran, runCommand } from "../../support/bot/e2e.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

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

  /** The exit code and the JSON output of each command if no bot has ever run. */
  const USER = "123456789012345678";
  const empty: readonly [args: readonly string[], code: number, json: RegExp | undefined][] = [
    [["why", "1400000000000000001"], 75, undefined],
    [["outbox", "list"], 75, undefined],
    [["outbox", "drop", "1"], 75, undefined],
    [["pairing", "list"], 75, undefined],
    [["pairing", "approve", "K7XQ2MPR"], 75, undefined],
    [["pairing", "deny", "K7XQ2MPR"], 75, undefined],
    [["pairing", "revoke", USER], 75, undefined],
    [["status"], 75, undefined],
    [["config", "get", "channels.discord.dm.policy"], 0, /"value":"pairing"/],
    [["config", "get", "channels.discord.name"], 1, /"isWritten":false/],
    [["config", "set", "channels.discord.historyLimit", "9"], 0, /"wrote":true/],
    [["config", "unset", "channels.discord.historyLimit"], 0, /"wrote":true/],
    [["config", "set", "channels.discord.historyLimt", "9"], 78, /"ok":false/],
    [["config", "import", "openclaw.json", "--dry-run"], 0, /"ok":true/],
  ];
  it("[O7] [O10] commands have their exit codes and JSON output without any earlier run", async () => {
    using folder = tempDirectory();
    const config = join(folder.path, "config.jsonc");
    const rules = { dm: { allowFrom: [USER, "ada"] } };
    writeFileSync(config, JSON.stringify({ channels: { discord: rules } }), { mode: 0o600 });
    writeFileSync(join(folder.path, "openclaw.json"), "{ channels: { discord: {} } }");
    for (const [args, code, json] of empty) {
      const named = args.map((one) => /^openclaw/.test(one) ? join(folder.path, one) : one);
      const ran = await barnacle(...named, "--config", config, "--data", folder.path, "--json");
      assert.equal(
        ran.code,
        code,
        `${args.join(" ")}: ${[...ran.stdout, ...ran.stderr].join("\n")}`,
      );
      if (json === undefined) continue;
      assert.match(ran.stdout.join("\n"), json);
      JSON.parse(ran.stdout.join("\n"));
    }
  });
});
