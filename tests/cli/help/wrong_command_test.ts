import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { allTasks } from "../../../src/cli/tasks.ts";
import { FEATURES } from "../../../src/features/features.ts";
import { withHelpOption, wrongCommand } from "../../../src/cli/help/wrong_command.ts";
import { section } from "../../../src/cli/help/command_help.ts";
import { PLAIN } from "../../../src/cli/terminal/io.ts";

const TASKS = await allTasks(FEATURES);

const COMMANDS = Object.assign({}, ...TASKS.map(({ commands }) => commands));

describe("[O10] wrongCommand()", () => {
  const rows: readonly [typed: string, message: string][] = [
    ["rum", 'unknown command "rum"; did you mean `run`?'],
    ["RUN", 'unknown command "RUN"; did you mean `run`?'],
    ["halp", 'unknown command "halp"; did you mean `help`?'],
    ["start", 'unknown command "start"; did you mean `run`?'],
    ["generate-invite-url", 'unknown command "generate-invite-url"; did you mean `invite`?'],
    [
      "approve K7XQ2MPR",
      'unknown command "approve"; did you mean `pairing approve` or `approvals approve`?',
    ],
    [
      "list",
      'unknown command "list"; did you mean `pairing list` or `sessions list` or `outbox list` or ' +
      "`approvals list` or `mcp list` or `memory list` or `schedules list`?",
    ],
    [
      "graceful_shutdown",
      'unknown command "graceful_shutdown"; Ctrl+C or SIGTERM stops the bot, which then finishes ' +
      "its answers first",
    ],
    ["constructor", 'unknown command "constructor"; `barnacle help --all` lists all commands'],
    ["config ste a b", 'unknown command "config ste"; did you mean `config set`?'],
    ["outbox 12", 'unknown command "outbox 12"; `barnacle help outbox` lists its commands'],
    ["--verison", "unknown option --verison; did you mean `--version`?"],
    [
      "--data x outbox",
      "option --data without a command; options follow the command: `barnacle run --data`",
    ],
    [
      "config --config x check",
      "option --config before the command of `config`; options follow it",
    ],
  ];
  for (const [typed, message] of rows) {
    it(`explains: barnacle ${typed}`, () => {
      assert.equal(wrongCommand(typed.split(" "), COMMANDS), message);
    });
  }

  for (
    const typed of [
      "run --force",
      "outbox",
      "outbox --json",
      "outbox --json list",
      "config --help",
      "-h",
    ]
  ) {
    it(`accepts: barnacle ${typed}`, () => {
      assert.equal(wrongCommand(typed.split(" "), COMMANDS), undefined);
    });
  }
});

describe("[O10] withHelpOption()", () => {
  const rows: readonly [typed: string, read: string][] = [
    ["help", "--help"],
    ["help run", "run --help"],
    ["help pairing list", "pairing list --help"],
    ["help run --json", "run --help"],
    ["run --help", "run --help"],
    ["help run --confg x", "run x --help"],
    ["help help run", "run --help"],
    ["help --foo", "--foo"],
    ["help --all", "--help-all"],
    ["config help", "config --help"],
    ["config help check", "config check --help"],
    ["why help", "why help"],
  ];
  for (const [typed, read] of rows) {
    it(`reads "${typed}" as "${read}"`, () => {
      assert.equal(withHelpOption(typed.split(" "), COMMANDS).join(" "), read);
    });
  }
});

describe("[O10] section()", () => {
  it("lists terms in a column, with their texts beside them", () => {
    assert.deepEqual(section("Options", [["--json", "Print JSON"], ["-h", "Help"]], PLAIN), [
      "",
      "Options:",
      "  --json  Print JSON",
      "  -h      Help",
    ]);
  });

  it("starts the text of a long term on the next line", () => {
    const term = "--a-very-long-option <with-a-value>";
    assert.deepEqual(section("Options", [[term, "Text"]], PLAIN).slice(2), [
      `  ${term}`,
      `${" ".repeat(30)}Text`,
    ]);
  });

  it("writes nothing for an empty list", () => {
    assert.deepEqual(section("Options", [], PLAIN), []);
  });
});
