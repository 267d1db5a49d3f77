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

  it("version prints the same for people", async () => {
    const { code, stdout } = await barnacle("version");
    assert.equal(code, 0);
    assert.match(stdout.join("\n"), /^barnacle \d.*, (Bun|Deno) .*, SQLite 3\./);
  });

  const commands = [
    ["run"],
    ["demo"],
    ["setup"],
    ["status"],
    ["why"],
    ["pairing", "list"],
    ["pairing", "approve"],
    ["pairing", "deny"],
    ["pairing", "revoke"],
    ["send"],
    ["outbox", "list"],
    ["outbox", "resend"],
    ["outbox", "drop"],
    ["doctor"],
    ["invite"],
    ["version"],
    ["config", "check"],
    ["config", "schema"],
    ["config", "example"],
    ["config", "get"],
    ["config", "set"],
    ["config", "unset"],
    ["config", "import"],
  ];
  for (const command of commands) {
    it(`${command.join(" ")} --help has an example, and is plain text`, async () => {
      // A process without a terminal inherits the shell's terminal variables.
      const colourful = { ...ENV, TERM: "xterm-256color", COLORTERM: "truecolor" };
      const { code, stdout } = await runCommand([...command, "--help"], colourful);
      assert.equal(code, 0);
      const help = stdout.join("\n");
      assert.match(help, new RegExp(`Examples?:\\n  .*barnacle ${command.join(" ")}`));
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
    [["start"], /did you mean `run`/],
    [["init"], /did you mean `setup`/],
    [["help", "rum"], /did you mean `run`/],
    [["stauts"], /status/],
    [["config", "chek"], /check/],
    [["sesions", "list"], /sessions/],
    [["pairing", "aprove", "K7XQ2MPR"], /aprove/],
    [["why", "hello"], /link or id/],
    [["pairing", "revoke", "mallory"], /not a user id/],
    [["config", "get", "chanels"], /did you mean channels\?/],
    [["config", "get", "nothing.near"], /config explain/],
    [["halp"], /did you mean `help`/],
    [["help", "--foo"], /--foo/],
    [["demo", "--host", ""], /the address is empty/],
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

  it("config check accepts a valid file, and refuses an invalid one", async () => {
    using folder = tempDirectory();
    const file = join(folder.path, "config.jsonc");
    writeFileSync(file, "{}", { mode: 0o600 });
    const good = await barnacle("config", "check", "--config", file);
    assert.equal(good.code, 0);
    assert.equal(good.stdout.length, 1);
    assert.ok(good.stdout[0]?.startsWith(`${file}: valid`));
    writeFileSync(file, '{ "chanels": {} }', { mode: 0o600 });
    const bad = await barnacle("config", "check", "--config", file);
    assert.equal(bad.code, 78);
    assert.match(bad.stderr.join("\n"), /config\.jsonc:1:3: error: [\s\S]*did you mean "channels"/);
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

  it("[C2] config check lists all errors of the syntax, or all of the values", async () => {
    using folder = tempDirectory();
    const file = join(folder.path, "config.jsonc");
    const text = `{
  "model": "ollama/llama3.2",
  "log": { "level": "lowd" },
  "channels": { "discord": { "token": "\${BARNACLE_NOWHERE}" } },
  "messages": { "groupChat": { "mentionPatterns": ["(?=a)"] } }
}`;
    writeFileSync(file, text, { mode: 0o600 });
    const { code, stdout } = await barnacle("config", "check", "--config", file, "--json");
    assert.equal(code, 78);
    const { problems } = JSON.parse(stdout.join(""));
    assert.deepEqual(
      problems.map(({ line, path }: { line: number; path: string }) => [line, path]),
      [
        [2, "model"],
        [3, "log.level"],
      ],
    );
  });

  it("[C11] config import and unset say when there is nothing to do", async () => {
    using folder = tempDirectory();
    const file = join(folder.path, "config.jsonc");
    writeFileSync(file, "{}", { mode: 0o600 });
    const imported = await barnacle("config", "import", file);
    assert.equal(imported.code, 1);
    assert.match(imported.stderr.join("\n"), /has no channels\.discord, so nothing is imported/);
    const unset = await barnacle("config", "unset", "log.level", "--config", file);
    assert.equal(unset.code, 0);
    assert.match(unset.stdout.join("\n"), /log\.level is not set in .*: nothing to remove/);
  });

  it("[P12] refuses an example with its placeholders, and set replaces them", async () => {
    using folder = tempDirectory();
    const file = join(folder.path, "config.jsonc");
    const guilds = { YOUR_SERVER_ID: {} };
    writeFileSync(file, JSON.stringify({ channels: { discord: { guilds } } }), { mode: 0o600 });
    for (const command of [["config", "check"], ["run", "--data", folder.path]]) {
      const { code, stdout, stderr } = await barnacle(...command, "--config", file);
      assert.equal(code, 78);
      const said = [...stdout, ...stderr].join("\n");
      assert.match(said, /"YOUR_SERVER_ID\\?" is a placeholder/);
      assert.match(said, /copy its ID/);
    }
    const path = "channels.discord.guilds";
    const set = await barnacle("config", "set", path, `{"${USER}":{}}`, "--config", file);
    assert.equal(set.code, 0, set.stderr.join("\n"));
    assert.equal((await barnacle("config", "check", "--config", file)).code, 0);
  });

  it("config schema prints a JSON Schema", async () => {
    const { code, stdout } = await barnacle("config", "schema");
    assert.equal(code, 0);
    assert.equal(JSON.parse(stdout.join("\n")).type, "object");
  });
});
