/**
 * Makes `packaging/man/barnacle.1` from the table of commands, which is the one of `--help`.
 *
 * It uses the macros of man(7), which groff, mandoc and BSD's man read alike.
 */

import { allTasks } from "../../src/cli/tasks.ts";
import { EXTRAS } from "../../src/extras/extras.ts";
import { type HelpRow, usageOf } from "../../src/cli/help/command_help.ts";
import type { CommandTask } from "../../src/cli/help/overview.ts";
import { EXIT, EXIT_MEANINGS, type ExitName, exitRows } from "../../src/cli/shared/exit_code.ts";
import { wrapped } from "../../src/lib/text/cut.ts";
import project from "../../deno.json" with { type: "json" };
import { commandsOf, COMMON_ROWS, type NamedCommand, rowsOfPage } from "./command_rows.ts";
import { environmentRows } from "./config_page.ts";

const TASKS = await allTasks(EXTRAS);

/** Day of the newest change of the page's own text: a page names a date, and two builds are equal. */
const DATE = "2026-11-23";

const REPOSITORY_DOCS = "docs/ of the source code";

export function manPage(tasks: readonly CommandTask[] = TASKS): string {
  return [
    '.\\" Generated: deno run -A scripts/reference/commands.ts',
    `.TH BARNACLE 1 ${DATE} "Barnacle ${project.version}" "User Commands"`,
    ".SH NAME",
    "barnacle \\- an AI agent for Discord",
    ".SH SYNOPSIS",
    ".B barnacle",
    ".I command",
    ".RI [ options ]",
    ".br",
    ".B barnacle help",
    ".RI [ command ]",
    ".SH DESCRIPTION",
    line(
      "Barnacle connects a bot to Discord, and answers there with a language model. `barnacle demo` " +
        "shows it without token and network, and `barnacle run` starts it. Its config is one file " +
        "of JSON with comments; a file without any key is valid.",
    ),
    ".SH OPTIONS",
    line(
      "Every command accepts these options. Below, only those with an effect are listed.",
    ),
    ...COMMON_ROWS.flatMap(term),
    ".SH COMMANDS",
    ...tasks.flatMap(taskLines),
    ".SH EXIT STATUS",
    line("All commands use the same codes; each lists those that it uses."),
    ...Object.entries(EXIT_MEANINGS).flatMap(([name, meaning]) =>
      isExitName(name) ? term([String(EXIT[name]), meaning]) : []
    ),
    ".SH ENVIRONMENT",
    ...environmentRows().flatMap(([names, meaning]) => term([plain(names), plain(meaning)])),
    ".SH FILES",
    ...FILES.flatMap(term),
    ".SH SEE ALSO",
    ".BR journalctl (1),",
    ".BR systemctl (1)",
    ...paragraph(
      `The guides are in ${REPOSITORY_DOCS}; commands.md also has the commands in Discord.`,
    ),
    "",
  ].join("\n");
}

const FILES: readonly HelpRow[] = [
  ["./config.jsonc", "The config, if it exists; else the next one of this list."],
  ["~/.config/barnacle/config.jsonc", "The config of a user."],
  ["/etc/barnacle/config.jsonc", "The config of the service."],
  ["~/.local/share/barnacle", "The data directory of a user."],
  ["/var/lib/barnacle", "The data directory of the service."],
];

function isExitName(name: string): name is ExitName {
  return Object.hasOwn(EXIT, name);
}

function taskLines(task: CommandTask): readonly string[] {
  return [
    `.SS ${argument(task.title)}`,
    ...commandsOf(task).flatMap(commandLines),
  ];
}

function commandLines({ name, command, extra }: NamedCommand): readonly string[] {
  const { help, target } = command;
  const own = rowsOfPage(command);
  const exits = exitRows(help.exits).map(([code, text]) => `${code} ${text}`).join("; ");
  return [
    ".TP",
    `.B ${argument(usageOf(target, name))}`,
    line([`${help.brief}.`, ...extra, ...help.notes ?? []].join(" ")),
    ...(own.length === 0 ? [] : [".RS", ...own.flatMap(term), ".RE", ".IP"]),
    ...(own.length === 0 ? [".IP"] : []),
    line(`Exit codes: ${exits}.`),
    ".IP",
    line(help.examples.length === 1 ? "Example:" : "Examples:"),
    ".RS",
    ".PP",
    ".EX",
    ...help.examples.map(example),
    ".EE",
    ".RE",
  ];
}

function term([name, text]: HelpRow): readonly string[] {
  return [".TP", `.B ${argument(name)}`, line(text)];
}

function paragraph(text: string): readonly string[] {
  return [".PP", line(text)];
}

/** Markdown without its marks. */
function plain(text: string): string {
  return text.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1").replaceAll("`", "");
}

/** Text in lines of the source: code between backticks is bold. */
function line(text: string): string {
  const shown = text.split("`").map((part, at) =>
    at % 2 === 0 ? escaped(part) : `\\fB${escaped(part)}\\fR`
  ).join("");
  return wrapped(shown, SOURCE_WIDTH).map(safe).join("\n");
}

/** An example: the reader may copy it, so it stays one line. */
function example(text: string): string {
  return safe(escaped(text));
}

/** A line that is no macro. */
function safe(line: string): string {
  return line.startsWith(".") ? `\\&${line}` : line;
}

/** Columns of a line of the source. */
const SOURCE_WIDTH = 80;

function argument(text: string): string {
  return `"${escaped(text).replaceAll('"', '""')}"`;
}

/** Text in which each character stands for itself: `-` is no hyphen, and `^` no accent. */
function escaped(text: string): string {
  return text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replaceAll("^", "\\(ha")
    .replaceAll("~", "\\(ti").replaceAll("'", "\\(aq").replaceAll("`", "\\(ga")
    .replaceAll("…", "...").replaceAll("→", "->");
}
