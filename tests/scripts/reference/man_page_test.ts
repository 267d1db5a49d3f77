import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { manPage } from "../../../scripts/reference/man_page.ts";
import { allTasks } from "../../../src/cli/tasks.ts";
import { EXTRAS } from "../../../src/extras/extras.ts";
import { describeCommand } from "../../../src/cli/help/command_help.ts";
import { skipUnless } from "../../support/skip.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const TASKS = await allTasks(EXTRAS);

/** A command whose texts would be macros, accents and arguments of their own. */
const NASTY = describeCommand<{ readonly json?: boolean }>({
  brief: ".B 'bold' \\fB \"quoted\" `code-1` ^ ~",
  notes: [".SH no heading", "'br no macro"],
  examples: [".x \\n 'y' --json", "' a"],
  exits: {},
  parameters: { flags: { json: { kind: "boolean", brief: '.B "x" \\', optional: true } } },
  run: () => 0,
});
const nastyPage = () => manPage([{ title: '.B "odd" \\', commands: { nasty: NASTY } }]);

const has = (program: string) => spawnSync(program, ["--version"]).error === undefined;

function checked(text: string, program: string, args: readonly string[]) {
  using folder = tempDirectory();
  const path = join(folder.path, "barnacle.1");
  writeFileSync(path, text);
  return spawnSync(program, [...args, path], {
    encoding: "utf8",
    env: { ...process.env, LC_ALL: "C.UTF-8", MANWIDTH: "80" },
  });
}

describe("[O10] the man page", () => {
  it("names every command, and each option with its dashes", () => {
    const page = manPage();
    for (const [name, command] of TASKS.flatMap(({ commands }) => Object.entries(commands))) {
      const names = command.kind === "command"
        ? [name]
        : Object.keys(command.commands).map((action) => `${name} ${action}`);
      for (const full of names) {
        assert.ok(page.includes(`.B "barnacle ${full.replaceAll("-", "\\-")} `), full);
      }
    }
    assert.ok(page.includes('.B "\\-\\-connection\\-debug"'));
    assert.doesNotMatch(page, /undefined|\]\(/);
  });

  for (const [name, page] of [["of Barnacle", manPage()], ["of odd texts", nastyPage()]] as const) {
    it(`${name} has no fault that mandoc finds`, skipUnless(has("mandoc"), "no mandoc"), () => {
      const { stdout, status } = checked(page, "mandoc", ["-T", "lint", "-W", "warning"]);
      assert.equal(stdout, "");
      assert.equal(status, 0);
    });

    it(`${name} has no fault that groff finds`, skipUnless(has("groff"), "no groff"), () => {
      const { stderr } = checked(page, "man", ["--warnings", "-E", "UTF-8", "-Tutf8", "-Z", "-l"]);
      assert.equal(stderr, "");
    });
  }

  it("shows odd texts as they are", skipUnless(has("mandoc"), "no mandoc"), () => {
    const { stdout } = checked(nastyPage(), "mandoc", ["-T", "ascii", "-O", "width=300"]);
    const shown = stdout.replaceAll(/.[\b]/g, "");
    for (
      const text of [
        ".B 'bold' \\fB \"quoted\" code-1 ^ ~. .SH no heading 'br no macro",
        ".x \\n 'y' --json",
        "' a",
        '.B "odd" \\',
      ]
    ) assert.ok(shown.includes(text), shown);
  });
});
