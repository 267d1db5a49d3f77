import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { pageText } from "../../../scripts/reference/commands.ts";
import { withReasonTables } from "../../../scripts/reference/reasons.ts";
import { allTasks } from "../../../src/cli/tasks.ts";
import { FEATURES } from "../../../src/features/features.ts";
import { EXIT } from "../../../src/cli/shared/exit_code.ts";
import type { Command } from "../../../src/interactions/base/command.ts";

const TASKS = await allTasks(FEATURES);

const DOCS = join(import.meta.dirname!, "..", "..", "..", "docs");

describe("[O10] the reference of commands", () => {
  it("describes every command of the command line under its task", () => {
    const page = pageText();
    for (const { title, commands } of TASKS) {
      assert.ok(page.includes(`\n### ${title}\n`), title);
      for (const [name, command] of Object.entries(commands)) {
        const names = command.kind === "command"
          ? [name]
          : Object.keys(command.commands).map((action) => `${name} ${action}`);
        for (const full of names) assert.ok(page.includes(`\n#### \`barnacle ${full}\`\n`), full);
      }
    }
    assert.doesNotMatch(page, /undefined/);
  });

  it("lists slash commands with their options and rights", () => {
    const say: Command = {
      name: "say",
      description: "Say it",
      options: [{ name: "text", description: "Words", type: "text", isRequired: true }],
      needs: "owner",
      run: () => "",
    };
    const config: Command = {
      ...say,
      name: "config",
      options: [],
      subcommands: [{ name: "show", description: "Show it", options: [] }],
      isPrivate: true,
    };
    const messageCommands = [{ name: "Ask", needs: "everyone", run: () => "" }] as const;
    const commands = [say, config];
    const page = pageText({ tasks: [], commands, messageCommands, components: [], tools: [] });
    for (
      const row of [
        "- `/say`: Say it. For owners of the bot.\n  - `text` (text, required): Words\n",
        "- `/config show`: Show it. For owners of the bot. As a message: in direct messages.\n",
        "| Ask | people who may talk to the bot there |",
      ]
    ) assert.ok(page.includes(row), page);
  });

  it("leaves no exit code out of docs/operating.md", () => {
    const operating = readFileSync(join(DOCS, "operating.md"), "utf8");
    for (const code of Object.values(EXIT)) {
      assert.match(operating, new RegExp(`^\\| ${code} +\\|`, "m"), `exit code ${code}`);
    }
  });
});

describe("[P1] withReasonTables()", () => {
  const first = "<!-- Generated: deno run -A scripts/reference/commands.ts -->";
  const last = "<!-- End of the generated part -->";

  it("replaces the part between its marks, and nothing else", () => {
    const page = withReasonTables(`before\n${first}\nold\n${last}\nafter\n`);
    assert.ok(page.startsWith(`before\n${first}\n`), page);
    assert.ok(page.endsWith(`\n${last}\nafter\n`), page);
    assert.doesNotMatch(page, /^old$/m);
    assert.match(page, /^\| `no-mention` \| It does not mention the bot; .* \| .+ \|$/m);
    assert.equal(withReasonTables(page), page);
  });

  it("refuses a page without the marks", () => {
    assert.throws(() => withReasonTables("no marks"), /has no part/);
    assert.throws(() => withReasonTables(`${last}\n${first}`), /has no part/);
  });
});
