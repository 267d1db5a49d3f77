/** Checks the commands of the pages of troubleshooting: their names, options and config keys exist. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { runCommandLine } from "../../src/cli/app.ts";
import { allTasks } from "../../src/cli/tasks.ts";
import { FEATURES } from "../../src/features/features.ts";
import { wrongCommand } from "../../src/cli/help/wrong_command.ts";
import type { Terminal } from "../../src/cli/terminal/io.ts";
import { configSchema } from "../../src/config/schema/root.ts";
import { schemaAt } from "../../src/config/schema/parts/key.ts";

const TASKS = await allTasks(FEATURES);

const PAGE = ["troubleshooting.md", "offline.md", "silent.md", "missing-answers.md"]
  .map((page) => readFileSync(join(import.meta.dirname!, "..", "..", "docs", page), "utf8"))
  .join("\n");

/** The words of each command after `barnacle`, without comments; each command once. */
const WRITTEN = [
  ...PAGE.matchAll(/`barnacle ([^`]+)`/g),
  ...PAGE.matchAll(/^barnacle (.*?)(?: +#.*)?$/gm),
].map(([, words = ""]) => words.trim().replace(/<[^>]*>/g, "1").split(/\s+/));
const COMMANDS = Object.assign({}, ...TASKS.map(({ commands }) => commands));

async function helpOf(words: readonly string[]): Promise<string> {
  const lines: string[] = [];
  const stream = { write: (text: string) => lines.push(text) > 0 };
  const names = words.slice(0, COMMANDS[words[0] ?? ""]?.kind === "group" ? 2 : 1)
    .filter((word) => !word.startsWith("-"));
  const terminal = { stdout: stream, stderr: stream, env: {} } as unknown as Terminal;
  assert.equal(await runCommandLine([...names, "--help"], terminal, FEATURES), 0, names.join(" "));
  return lines.join("");
}

describe("[C10] [O10] the pages of troubleshooting", () => {
  const commands = [...new Map(WRITTEN.map((words) => [words.join(" "), words])).values()];
  it("has commands", () => assert.ok(commands.length > 25));

  for (const words of commands) {
    it(`names a real command: ${words.join(" ")}`, async () => {
      assert.equal(wrongCommand(words, COMMANDS), undefined);
      const help = await helpOf(words);
      for (const option of words.filter((word) => word.startsWith("--"))) {
        assert.match(help, new RegExp(`${option}\\b`), help);
      }
      const [, get, key = ""] = words;
      if (get === "get") assert.ok(schemaAt(configSchema, key.split(".")), key);
    });
  }
});
