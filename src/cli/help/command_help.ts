/**
 * Describes commands: one record per command, from which `--help` and `docs/commands.md` derive; and
 * lays help texts out in at most 80 columns.
 */

import {
  buildCommand,
  buildRouteMap,
  type Command,
  type CommandContext,
  type RouteMap,
  type TypedCommandParameters,
} from "@stricli/core";
import process from "node:process";
import { wrapped } from "../../lib/text/quoted.ts";
import { type ExitCode, exitRows, type Exits, StartError } from "../shared/exit_code.ts";
import { COLOURED, createProcessIo, type Io, PLAIN, type Style } from "../terminal/io.ts";
import { dashed } from "./wrong_command.ts";

export interface CommandHelp {
  /** Imperative, without a full stop: `"Approve a pairing code"`. */
  readonly brief: string;
  /** Facts that no option states, one line each. */
  readonly notes?: readonly string[];
  /** Whole command lines. */
  readonly examples: readonly string[];
  readonly exits: Exits;
}

export interface CliCommand {
  readonly kind: "command";
  readonly help: CommandHelp;
  readonly target: Command<CommandContext>;
}

/** Commands below a common name: `barnacle config …`. */
export interface CliGroup {
  readonly kind: "group";
  /** Imperative, without a full stop. */
  readonly brief: string;
  readonly commands: Readonly<Record<string, CliCommand>>;
  /** The command that runs without a name. */
  readonly defaultCommand?: string;
  readonly target: RouteMap<CommandContext>;
}

/** Values of options by name, as the library parses them. */
type OptionsOf<Flags> = Readonly<Partial<Record<keyof Flags, unknown>>> & {
  readonly json?: boolean;
};

/** Builds a command whose `--help` is laid out by {@link helpLines}. */
export function describeCommand<
  Flags extends OptionsOf<Flags>,
  Inputs extends readonly unknown[] = [],
>({ parameters, run, ...help }: CommandHelp & {
  readonly parameters: NoInfer<TypedCommandParameters<Flags, Inputs, CommandContext>>;
  /** Runs the command. It imports its module itself, so that other commands do not load it. */
  readonly run: (flags: Flags, io: Io, ...inputs: Inputs) => ExitCode | Promise<ExitCode>;
}): CliCommand {
  const target: Command<CommandContext> = buildCommand<Flags, Inputs, CommandContext>({
    docs: { brief: help.brief },
    parameters,
    async func(flags, ...inputs) {
      const io = createProcessIo({ json: flags.json === true });
      const exitCode = await Promise.try(() => run(flags, io, ...inputs)).catch(withCode);
      Object.assign(this.process, { exitCode });
    },
  });
  const formatHelp: typeof target.formatHelp = ({ prefix, ansiColor }) =>
    textOf(helpLines({ kind: "command", help, target }, prefix.join(" "), styleOf(ansiColor)));
  return { kind: "command", help, target: { ...target, formatHelp } };
}

/** Gives an error that the command has not reported its message and exit code. */
async function withCode(error: unknown): Promise<never> {
  const { toStartError } = await import("../shared/start_error.ts");
  const { message, code } = toStartError(error);
  throw new StartError(message, code, error);
}

/** Builds a group of commands. Without a command it runs the default one, or prints its help. */
export function describeGroup(
  brief: string,
  commands: Readonly<Record<string, CliCommand>>,
  defaultCommand?: string,
): CliGroup {
  const routes = Object.fromEntries(
    Object.entries(commands).map(([name, { target }]) => [name, target]),
  );
  const target = buildRouteMap({
    docs: { brief },
    routes,
    ...(defaultCommand !== undefined && { defaultCommand }),
  });
  const formatHelp: typeof target.formatHelp = ({ prefix, ansiColor }) => {
    const style = styleOf(ansiColor);
    const rows = Object.entries(commands).map(([name, { help }]): HelpRow => [
      name,
      help.brief + (name === defaultCommand ? " (default)" : ""),
    ]);
    const usage = `${prefix.join(" ")} <command> [options]`;
    return textOf([
      brief,
      "",
      `${style.bold("Usage:")} ${usage}`,
      ...section("Commands", rows, style),
      "",
      `\`${helpOf(prefix)} <command>\` shows the options of a command.`,
    ]);
  };
  return { kind: "group", brief, commands, defaultCommand, target: { ...target, formatHelp } };
}

/** `"barnacle help config"` for `["barnacle", "config"]`. */
function helpOf([program = "", ...words]: readonly string[]): string {
  return [program, "help", ...words].join(" ");
}

function helpLines({ help, target }: CliCommand, name: string, style: Style): readonly string[] {
  const { brief, notes = [], examples, exits } = help;
  return [
    brief,
    "",
    `${style.bold("Usage:")} ${usageOf(target, name)}`,
    ...(notes.length === 0 ? [] : ["", ...notes]),
    ...section("Arguments", argumentRows(target), style),
    ...section("Options", [...optionRows(target), HELP_ROW], style),
    ...section(
      "Exit codes",
      exitRows(exits).map(([code, text]): HelpRow => [`${code}`, text]),
      style,
    ),
    "",
    style.bold(examples.length === 1 ? "Example:" : "Examples:"),
    ...examples.map((example) => `  ${example}`),
  ];
}

const HELP_ROW: HelpRow = ["-h, --help", "Print this help"];

/** `"barnacle send <target> [text] [options]"`: required options by name, all others as one. */
export function usageOf({ parameters }: Command<CommandContext>, name: string): string {
  const required = Object.entries(parameters.flags ?? {})
    .filter(([, flag]) => isRequired(flag))
    .map(([flagName, flag]) => optionTerm(flagName, flag));
  return [name, ...positionalTerms(parameters), ...required, "[options]"].join(" ");
}

/** A command's positional arguments with their explanations. */
export function argumentRows({ parameters }: Command<CommandContext>): readonly HelpRow[] {
  const terms = positionalTerms(parameters);
  return positionalsOf(parameters).map(({ brief }, at): HelpRow => [terms[at] ?? "", brief]);
}

/** A command's own options, and those that all commands take, without hidden ones. */
export function optionRows({ parameters }: Command<CommandContext>): readonly HelpRow[] {
  const rows = Object.entries(parameters.flags ?? {})
    .filter(([, flag]) => !("hidden" in flag && flag.hidden === true))
    .map(([name, flag]) => {
      const term = withAlias(optionTerm(name, flag), name, parameters);
      return { name, row: [term, optionText(flag)] as const };
    });
  const isCommon = ({ name }: { readonly name: string }) => COMMON_NAMES.includes(name);
  return [...rows.filter((row) => !isCommon(row)), ...rows.filter(isCommon)].map(({ row }) => row);
}

/** Options of every command, listed after its own. */
const COMMON_NAMES = ["config", "data", "json"];

export type CliParameters = Command<CommandContext>["parameters"];
export type CliOption = NonNullable<CliParameters["flags"]>[string];

function isRequired(option: CliOption): boolean {
  return option.kind !== "boolean" && option.optional !== true &&
    (!("default" in option) || option.default === undefined);
}

/** `"-f, --follow"` for an option with a letter. */
function withAlias(term: string, name: string, { aliases = {} }: CliParameters): string {
  const [letter] = Object.entries(aliases).find(([, other]) => other === name) ?? [];
  return letter === undefined ? term : `-${letter}, ${term}`;
}

function optionTerm(name: string, option: CliOption): string {
  const flag = dashed(name);
  if (option.kind === "boolean" || option.kind === "counter") return flag;
  return `${flag} <${option.placeholder ?? name}>`;
}

function optionText(option: CliOption): string {
  const facts = [
    ...(option.kind === "enum" ? [option.values.join(", ")] : []),
    ...(option.kind !== "boolean" && "default" in option && option.default !== undefined
      ? [`default: ${option.default}`]
      : []),
    ...("variadic" in option && option.variadic === true ? ["repeatable"] : []),
  ];
  return facts.length === 0 ? option.brief : `${option.brief} (${facts.join("; ")})`;
}

function positionalsOf({ positional }: CliParameters): readonly {
  readonly brief: string;
  readonly placeholder?: string;
  readonly optional?: boolean;
}[] {
  if (!positional) return [];
  return positional.kind === "array" ? [positional.parameter] : positional.parameters;
}

function positionalTerms(parameters: CliParameters): readonly string[] {
  const isList = parameters.positional?.kind === "array";
  return positionalsOf(parameters).map(({ placeholder = "value", optional }) =>
    (optional === true ? `[${placeholder}]` : `<${placeholder}>`) + (isList ? "..." : "")
  );
}

function styleOf(isColoured: boolean): Style {
  return isColoured ? COLOURED : PLAIN;
}

/** The lines of a help text as one, broken between words. */
export function textOf(lines: readonly string[]): string {
  return `${lines.flatMap((line) => wrapped(line, WIDTH)).join("\n")}\n`;
}

/** Columns of a help text: those of the terminal, from 40 to 80. */
const WIDTH = Math.min(80, Math.max(40, process.stdout.isTTY && process.stdout.columns || 80));

const INDENT = "  ";
const GAP = 2;

/** Columns that a term may take; the text of a longer one starts on the next line. */
const MAX_TERM = Math.floor(WIDTH / 3);

/** A term and its explanation: `["--json", "Print the result as JSON"]`. */
export type HelpRow = readonly [term: string, text: string];

/** A heading and its list, after an empty line; nothing for an empty list. */
export function section(title: string, rows: readonly HelpRow[], style: Style): readonly string[] {
  return rows.length === 0 ? [] : ["", style.bold(`${title}:`), ...list(rows)];
}

function list(rows: readonly HelpRow[]): readonly string[] {
  const width = Math.min(MAX_TERM, Math.max(...rows.map(([term]) => term.length)));
  const left = INDENT.length + width + GAP;
  return rows.flatMap(([term, text]) => {
    const [first = "", ...rest] = wrapped(text, WIDTH - left);
    const below = rest.map((line) => " ".repeat(left) + line);
    return term.length > width
      ? [INDENT + term, " ".repeat(left) + first, ...below]
      : [INDENT + term.padEnd(width + GAP) + first, ...below];
  });
}
