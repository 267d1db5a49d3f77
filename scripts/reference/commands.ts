/**
 * Makes `docs/commands.md` from the table of commands, the registry of slash commands and
 * components, and the registry of tools. Also makes the tables of reasons in `docs/reasons.md`.
 *
 * With `--check` it writes nothing and fails if a page is out of date, so that no command is added
 * without its documentation.
 */

import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { allTasks } from "../../src/cli/tasks.ts";
import { FEATURES } from "../../src/features/features.ts";
import { type HelpRow, usageOf } from "../../src/cli/help/command_help.ts";
import type { CommandTask } from "../../src/cli/help/overview.ts";
import { exitRows } from "../../src/cli/shared/exit_code.ts";
import type { CommandNeeds } from "../../src/core/inbound/inbound.ts";
import type {
  Command,
  CommandOption,
  Component,
  MessageCommand,
} from "../../src/interactions/base/command.ts";
import { COMMANDS, COMPONENTS, MESSAGE_COMMANDS } from "../../src/interactions/registry.ts";
import { TOOLS } from "../../src/tools/registry.ts";
import type { Tool } from "../../src/core/turn/tool.ts";
import { commandsOf, COMMON_ROWS, type NamedCommand, rowsOfPage } from "./command_rows.ts";
import { table } from "./markdown_table.ts";
import { withReasonTables } from "./reasons.ts";
import { withRetention } from "./retention.ts";
import { type GeneratedFile, ROOT, updateGenerated } from "./generated.ts";

const TASKS = await allTasks(FEATURES);

/** The lists that the page is made from. */
export interface Registries {
  readonly tasks: readonly CommandTask[];
  readonly commands: readonly Command[];
  readonly messageCommands: readonly MessageCommand[];
  readonly components: readonly Component[];
  readonly tools: readonly Tool[];
}

const REGISTRIES: Registries = {
  tasks: TASKS,
  commands: COMMANDS,
  messageCommands: MESSAGE_COMMANDS,
  components: COMPONENTS,
  tools: TOOLS,
};

const RIGHTS: Readonly<Record<CommandNeeds, string>> = {
  everyone: "people who may talk to the bot there",
  session:
    "members with Manage Messages and owners (in servers), people who may talk to the bot (elsewhere)",
  owner: "owners of the bot",
  approver: "approvers",
};

const OPTION_TYPES: Readonly<Record<CommandOption["type"], string>> = {
  text: "text",
  whole: "whole number",
  boolean: "true or false",
  user: "user",
  channel: "channel",
};

export function pageText(registries: Registries = REGISTRIES): string {
  const { tasks, commands, messageCommands, components, tools } = registries;
  return [
    "<!-- deno-fmt-ignore-file -->",
    "<!-- Generated: deno run -A scripts/reference/commands.ts -->",
    "",
    "# Commands",
    "",
    "A reference to look things up: all commands of the program `barnacle`, and all commands of the bot",
    "in Discord. `barnacle <command> --help` prints the part of one.",
    "",
    "- [Command line](#command-line)",
    "- [In Discord](#in-discord)",
    "- [Tools](#tools)",
    "",
    "## Command line",
    "",
    "Every command accepts these options. Its help leaves out those without an effect there.",
    "[Operating](operating.md#exit-codes) explains the exit codes.",
    "",
    ...table(["Option", "Meaning"], COMMON_ROWS.map(codeFirst)),
    ...tasks.flatMap(taskLines),
    "",
    "## In Discord",
    "",
    "### Commands",
    "",
    "Each works from Discord's menu, and as a message that begins with `/`. In a message, options are",
    "words in this order, or named: `/memory edit:3 text:no sugar`. A mention of the bot may precede",
    "the command. Some commands work in one way only; their entries say so.",
    "",
    ...commands.flatMap(commandEntries),
    "",
    "### Commands in the menu of a message",
    "",
    ...table(
      ["Command", "Allowed for"],
      messageCommands.map(({ name, needs }) => [name, RIGHTS[needs]]),
    ),
    "",
    "### Buttons, menus and forms",
    "",
    ...table(
      ["Component", "Kind", "Allowed for"],
      components.map(({ name, kind, needs }) => [`\`${name}\``, kind, RIGHTS[needs]]),
    ),
    "",
    "## Tools",
    "",
    ...tools.map(({ name, description, needs, gate, withGates }) => {
      const [first = ""] = description.split("\n", 1); // further lines are the actions
      const more = withGates
        ? " Its [actions](tools.md) have gates and rights of their own."
        : (needs.length > 0 ? ` Permissions of the sender: ${needs.join(", ")}.` : "") +
          (gate === undefined ? "" : ` Gate: \`${gate}\`.`);
      return `- \`${name}\`: ${plain(first)}${more}`;
    }),
    "",
  ].join("\n");
}

function codeFirst([term, text]: HelpRow): HelpRow {
  return [`\`${term}\``, text];
}

function taskLines(task: CommandTask): readonly string[] {
  return ["", `### ${task.title}`, ...commandsOf(task).flatMap(commandLines)];
}

function commandLines({ name, command, extra }: NamedCommand): readonly string[] {
  const { help, target } = command;
  const own = rowsOfPage(command);
  const usage = usageOf(target, name);
  const examples = help.examples.filter((example) => example !== name); // the heading says as much
  const lines = usage === `${name} [options]` ? examples : [usage, ...examples];
  return [
    "",
    `#### \`${name}\``,
    "",
    [`${help.brief}.`, ...extra, ...help.notes ?? []].join(" "),
    "",
    ...(own.length === 0
      ? []
      : [...own.map(([term, text]) => `- \`${term}\`: ${plain(text)}`), ""]),
    ...(lines.length === 0 ? [] : ["```sh", ...lines, "```", ""]),
    `Exit codes: ${exitRows(help.exits).map(([code, text]) => `${code} ${text}`).join("; ")}.`,
  ];
}

function commandEntries(
  { name, description, options, subcommands, needs, isPrivate, isMenuOnly }: Command,
): readonly string[] {
  const asText = isMenuOnly
    ? " Only from the menu."
    : isPrivate
    ? " As a message: in direct messages."
    : "";
  const parts = subcommands ?? [{ name: "", description, options }];
  return parts.flatMap((part) => [
    `- \`${["/" + name, part.name].join(" ").trim()}\`: ${plain(part.description)}. ` +
    `For ${RIGHTS[needs]}.${asText}`,
    ...(part.options ?? []).map((option) => `  - ${plain(slashOption(option))}`),
  ]);
}

/** Text in which `<id>` is no HTML; between backticks it is none anyway. */
function plain(text: string): string {
  return text.split("`").map((part, at) => at % 2 === 0 ? part.replaceAll("<", "&lt;") : part)
    .join("`");
}

function slashOption({ name, description, type, isRequired, choices }: CommandOption): string {
  const values = choices ? choices.map(({ value }) => `\`${value}\``).join(", ") : undefined;
  const kind = values ?? OPTION_TYPES[type];
  return `\`${name}\` (${kind}${isRequired ? ", required" : ""}): ${description}`;
}

/** The module that has all pages, for `barnacle help`. */
function pagesText(): string {
  const paths = globSync("**/*.md", { cwd: join(ROOT, "docs") })
    .map((path) => path.replaceAll("\\", "/")).toSorted();
  return [
    "// deno-fmt-ignore-file",
    "// Generated: deno run -A scripts/reference/commands.ts",
    ...paths.map((path, at) => `import p${at} from "./${path}" with { type: "text" };`),
    "/** @type {readonly { readonly path: string; readonly text: string }[]} */",
    "export const PAGES = [",
    ...paths.map((path, at) => `  { path: "${path}", text: p${at} },`),
    "];",
    "",
  ].join("\n");
}

/** The files with their current texts. */
function generatedFiles(): readonly GeneratedFile[] {
  const reasons = "docs/reasons.md";
  const stored = "docs/stored-data.md";
  return [
    { path: "docs/commands.md", text: pageText() },
    { path: reasons, text: withReasonTables(readFileSync(join(ROOT, reasons), "utf8")) },
    { path: "docs/pages.js", text: pagesText() },
    { path: stored, text: withRetention(readFileSync(join(ROOT, stored), "utf8")) },
  ];
}

if (import.meta.main) {
  updateGenerated("scripts/reference/commands.ts", generatedFiles());
}
