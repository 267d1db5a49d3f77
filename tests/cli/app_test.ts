import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { runCommandLine } from "../../src/cli/app.ts";
import { allTasks } from "../../src/cli/tasks.ts";
import { FEATURES } from "../../src/features/features.ts";
import { recordedTerminal } from "./terminal/recorded_terminal.ts";
import type { Feature } from "../../src/features/feature.ts";
import { describeCommand, describeGroup } from "../../src/cli/help/command_help.ts";
import { flag } from "../../src/cli/shared/command.ts";

const TASKS = await allTasks(FEATURES);

const COLOURFUL: Record<string, string> = { TERM: "xterm-256color", COLORTERM: "truecolor" };

async function run(args: readonly string[], { isTTY = false, env = COLOURFUL } = {}) {
  const { terminal, stdout, stderr } = recordedTerminal({ isTTY, env });
  const code = await runCommandLine(args, terminal, FEATURES);
  return { code, stdout: stdout(), stderr: stderr() };
}

/** The words of every command and group: `["pairing"]`, `["pairing", "list"]`. */
const NAMES = TASKS.flatMap(({ commands }) =>
  Object.entries(commands).flatMap(([name, command]) =>
    command.kind === "command"
      ? [[name]]
      : [[name], ...Object.keys(command.commands).map((action) => [name, action])]
  )
);

const TOKEN = "MTQ5ODAwMDAwMDAwMDAwMDAw.GabcDe.abcdefghijklmnopqrstuvwxyz0123456789ab";
const NO_TOKEN_OPTION = new RegExp(
  "^barnacle: no option takes a secret: other programs see a command line, and the shell keeps it " +
    "in its history\\. Reset a token that you gave here, and put the new one into the variable " +
    "DISCORD_BOT_TOKEN, or paste it into `barnacle setup`\\n$",
);

describe("[O10] runCommandLine()", () => {
  it("prints at most twelve lines without arguments, with four commands", async () => {
    const { code, stdout, stderr } = await run([]);
    assert.equal(code, 0);
    assert.equal(stderr, "");
    const lines = stdout.trimEnd().split("\n");
    assert.ok(lines.length <= 12, stdout);
    assert.deepEqual(
      lines.flatMap((line) => /^ {2}barnacle (\w+) {2}/.exec(line)?.[1] ?? []),
      ["demo", "setup", "run", "doctor"],
    );
  });

  it("shows at most twenty commands with help, and all by task with help --all", async () => {
    const names = TASKS.flatMap(({ commands }) => Object.keys(commands));
    const shownIn = (text: string) =>
      names.filter((name) => new RegExp(`^  ${name} `, "m").test(text));
    const { code, stdout } = await run(["help"]);
    assert.equal(code, 0);
    assert.ok(shownIn(stdout).length <= 20, stdout);
    assert.match(stdout, /barnacle help --all .*\n.*barnacle help <words> .*\n$/);
    const all = await run(["help", "--all"]);
    assert.deepEqual([all.code, shownIn(all.stdout)], [0, names]);
    for (const { title } of TASKS) assert.ok(all.stdout.includes(`${title}:\n`), title);
  });

  it("searches the documentation with words that name no command", async () => {
    const { code, stdout } = await run(["help", "allow", "a", "friend"]);
    assert.equal(code, 0);
    assert.match(stdout, /^Access: who may talk to the bot: Allow a friend/);
    assert.match(stdout, /docs\/access\.md$/m);
    const wrong = await run(["help", "xyzzy"]);
    assert.equal(wrong.code, 2);
  });

  it("lists the exit codes of every command, in ascending order, from 0 on and with 2", async () => {
    for (const { commands } of TASKS) {
      for (const [name, command] of Object.entries(commands)) {
        if (command.kind === "group") continue;
        const { stdout } = await run([name, "--help"]);
        const [, list = ""] = stdout.split("\nExit codes:\n");
        const codes = [...list.matchAll(/^ {2}(\d+) +\S/gm)].map(([, code]) => Number(code));
        assert.deepEqual(codes, codes.toSorted((a, b) => a - b), name);
        assert.ok(codes[0] === 0 && codes.includes(2), `${name}: ${codes}`);
      }
    }
  });

  for (const words of [[], ...NAMES]) {
    const line = ["barnacle", ...words, "--help"].join(" ");
    it(`fits ${line} into 80 columns`, async () => {
      const { code, stdout } = await run([...words, "--help"]);
      assert.equal(code, 0);
      assert.deepEqual(stdout.split("\n").filter((text) => text.length > 80), []);
    });

    it(`styles ${line} on a terminal only, and respects NO_COLOR and TERM=dumb`, async () => {
      const args = [...words, "--help"];
      assert.ok((await run(args, { isTTY: true })).stdout.includes("\u001b[1mUsage:\u001b[22m"));
      const plain = [
        await run(args),
        await run(args, { isTTY: true, env: { ...COLOURFUL, NO_COLOR: "1" } }),
        await run(args, { isTTY: true, env: { TERM: "dumb" } }),
      ];
      for (const { stdout } of plain) assert.ok(!stdout.includes("\u001b"));
    });
  }

  it("accepts common options that a command ignores, and leaves them out of its help", async () => {
    const { stdout } = await run(["config", "schema", "--help"]);
    assert.doesNotMatch(stdout, /--(?:config|data|json)/);
    assert.equal((await run(["config", "schema", "--json"])).code, 0);
  });

  it("starts each brief with an imperative, and ends it without a full stop", () => {
    for (const { commands } of TASKS) {
      for (const [name, command] of Object.entries(commands)) {
        const briefs = command.kind === "command"
          ? [command.help.brief]
          : [command.brief, ...Object.values(command.commands).map(({ help }) => help.brief)];
        for (const brief of briefs) {
          assert.match(brief, /^[A-Z][a-z]+,? /, name);
          assert.doesNotMatch(brief, /\.$/, name);
          assert.doesNotMatch(brief, /^(?:What|Why|Who|Which)\b/, name);
        }
      }
    }
  });

  it("prints the help of a command and of a sub-command with help", async () => {
    for (const words of [["run"], ["pairing", "list"], ["config"], []]) {
      const long = await run([...words, "--help"]);
      assert.deepEqual(await run(["help", ...words]), long);
      assert.equal(long.code, 0);
    }
    assert.match((await run(["help", "rum"])).stderr, /did you mean `run`/);
  });

  const wrong: readonly [args: readonly string[], message: RegExp][] = [
    [["invite", "--jsno"], /^barnacle: unknown option --jsno; did you mean --json\?\n$/],
    [["run", "--insecure"], /^barnacle: unknown option --insecure; --help shows the usage\n$/],
    [["run", "--insecure-permission"], /did you mean --insecure-permissions\?\n$/],
    [["outbox", "lst"], /^barnacle: unknown command "outbox lst"; did you mean `outbox list`\?\n$/],
    [["status", "-x"], /^barnacle: unknown option -x; --help shows the usage\n$/],
    [["status", "now"], /^barnacle: unexpected argument "now"; --help shows the usage\n$/],
    [["status", "--data", ""], /^barnacle: data: the path is empty; name one, or leave /],
    [["run", "--config", ""], /^barnacle: config: the path is empty; name one, or leave /],
    [["why"], /^barnacle: missing argument: link or id; --help shows the usage\n$/],
    [["demo", "--port", "no"], /^barnacle: port: "no" is not a port: use a whole number/],
    [["doctor", "--only", "x"], /^barnacle: --only "x" is not one of discord, host, mcp, model\n$/],
    [["outbox", "drop", "x"], /^barnacle: number: "x" is no number/],
    [["setup", "--token", TOKEN], NO_TOKEN_OPTION],
    [["run", `--token=${TOKEN}`], NO_TOKEN_OPTION],
    [
      ["model", "test", "--api-key", "sk-x"],
      /^barnacle: no option takes a secret: .* Make a new key/,
    ],
    [["setup", TOKEN], /^barnacle: no argument takes a token: other programs see a command line/],
    [[TOKEN], /^barnacle: no argument takes a token/],
    [["config", TOKEN], /^barnacle: no argument takes a token/],
    [["\u001b[2J\u202e"], /^barnacle: unknown command "\\u001b\[2J\\u\{202e\}"; .*\n$/],
    [
      ["status", "--a\u009bb"],
      /^barnacle: unexpected argument "--a\\u\{9b\}b"; --help shows the usage\n$/,
    ],
  ];
  for (const [args, message] of wrong) {
    it(`ends with 2 and one line on: ${args.join(" ")}`, async () => {
      const { code, stdout, stderr } = await run(args);
      assert.equal(code, 2);
      assert.equal(stdout, "");
      assert.match(stderr, message);
      assert.ok(!stderr.includes(TOKEN), "it repeats the token");
    });
  }
});

const COMMAND = describeCommand<{ readonly json: boolean }>({
  brief: "Do it",
  examples: [],
  exits: {},
  parameters: { flags: { json: flag("Print JSON") } },
  run: () => Promise.resolve(0),
});
const group = (name: string): Feature => ({
  cli: () =>
    Promise.resolve({ Configure: { config: describeGroup("Change it", { [name]: COMMAND }) } }),
});

describe("[O10] allTasks()", () => {
  it("has `run` without any feature", async () => {
    const names = (await allTasks([])).flatMap(({ commands }) => Object.keys(commands));
    assert.deepEqual(names, ["run"]);
  });

  it("joins groups of one name, and refuses a command that two features have", async () => {
    const tasks = await allTasks([group("check"), group("import")]);
    const config = tasks.find(({ title }) => title === "Configure")?.commands["config"];
    assert.deepEqual(config?.kind === "group" && Object.keys(config.commands), ["check", "import"]);
    await assert.rejects(allTasks([group("check"), group("check")]), TypeError);
    const status: Feature = { cli: () => Promise.resolve({ Diagnose: { status: COMMAND } }) };
    await assert.rejects(allTasks([status, status]), TypeError);
  });
});

it("[O10] barnacle --version prints one line", async () => {
  const line = /^barnacle \S+.*, (Bun|Deno) \S+, SQLite 3\.\S+, \w+-\w+\n$/;
  for (const name of ["--version", "-v"]) {
    const { code, stdout, stderr } = await run([name]);
    assert.deepEqual([code, stderr], [0, ""]);
    assert.match(stdout, line);
  }
  assert.match((await run(["version"])).stderr, /did you mean `--version`/);
});
