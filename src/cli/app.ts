/**
 * The command line: finds the command that the arguments name, and runs it.
 *
 * A command's own code is loaded when it is called, so that `--version` does not load the bot. `run`
 * loads no other command's options either, because a bot should be online soon.
 */

import {
  type Application,
  buildApplication,
  buildRouteMap,
  type CommandContext,
  run as runApplication,
  type StricliProcess,
} from "@stricli/core";
import process from "node:process";
import { noProxyOf } from "../lib/network/fetch_plain.ts";
import { printable } from "../lib/text/quoted.ts";
import { VERSION } from "../version.ts";
import { textOf } from "./help/command_help.ts";
import {
  type Commands,
  errorTexts,
  searchedWords,
  withHelpOption,
  wrongCommand,
} from "./help/wrong_command.ts";
import { type CommandTask, overviewLines, welcomeLines } from "./help/overview.ts";
import type { Feature } from "../features/feature.ts";
import { EXIT, StartError } from "./shared/exit_code.ts";
import { type Style, styleFor, type Terminal, wrappedError } from "./terminal/io.ts";

/** Runs the command that the process's arguments name, and ends the process. */
export async function main(features: readonly Feature[]): Promise<void> {
  const { stdout, stderr, env } = process;
  // Local addresses bypass proxies: neither a simulator's token nor a local model's prompt may leak.
  env["NO_PROXY"] = env["no_proxy"] = noProxyOf(env);
  // Bun's own log of requests shows the bot token in full (SEC-R9).
  if (env["BUN_CONFIG_VERBOSE_FETCH"]) env["BUN_CONFIG_VERBOSE_FETCH"] = "0";
  // A broken pipe must not end the bot, nor the demo before its clean-up.
  for (const stream of [stdout, stderr]) stream.on("error", () => {});
  const code = await runCommandLine(process.argv.slice(2), process, features);
  await Promise.all([drained(stdout), drained(stderr)]);
  process.exit(code);
}

/**
 * Runs the command that the arguments name.
 *
 * @param args Without the program.
 * @returns The exit code.
 */
export async function runCommandLine(
  args: readonly string[],
  { stdout, stderr, env }: Terminal,
  features: readonly Feature[],
): Promise<number> {
  const style = styleFor(stdout, env);
  const tasks = await tasksFor(args, features);
  if (args.length === 0) {
    stdout.write(textOf(welcomeLines(tasks, VERSION, style)));
    return EXIT.done;
  }
  const all = commandsOf(tasks);
  const searched = searchedWords(args, all);
  if (searched !== undefined) {
    const { helpLines } = await import("./help/search_lines.ts");
    const lines = helpLines(searched, style);
    if (lines.length > 0) {
      stdout.write(textOf(lines));
      return EXIT.done;
    }
  }
  const words = withHelpOption(withoutDashes(args), all);
  const wrong = wrongCommand(words, all);
  if (wrong !== undefined) {
    stderr.write(`${wrappedError(`barnacle: ${printable(wrong)}`, stderr)}\n`);
    return EXIT.usage;
  }
  const streams: StricliProcess = { stdout, stderr, env };
  const application = createApplication(tasks, style, stderr, env);
  await runApplication(application, words, { process: streams });
  const code = Number(streams.exitCode ?? EXIT.done);
  return code < 0 || code > 250 ? EXIT.usage : code; // the library's codes for wrong usage
}

/** The commands that the arguments may name. */
async function tasksFor(
  [command]: readonly string[],
  features: readonly Feature[],
): Promise<readonly CommandTask[]> {
  if (command !== "run") return (await import("./tasks.ts")).allTasks(features);
  const { runCommand } = await import("./run/commands.ts");
  return [{ title: "Start", commands: { run: runCommand(features) } }];
}

function commandsOf(tasks: readonly CommandTask[]): Commands {
  return Object.fromEntries(tasks.flatMap(({ commands }) => Object.entries(commands)));
}

function createApplication(
  tasks: readonly CommandTask[],
  style: Style,
  stderr: Terminal["stderr"],
  env: Terminal["env"],
): Application<CommandContext> {
  const routes = Object.entries(commandsOf(tasks)).map(([name, { target }]) =>
    [name, target] as const
  );
  const root = buildRouteMap({ docs: { brief: "Barnacle" }, routes: Object.fromEntries(routes) });
  const formatHelp: typeof root.formatHelp = ({ includeHidden }) =>
    textOf(overviewLines(tasks, VERSION, style, includeHidden));
  return buildApplication({ ...root, formatHelp }, {
    name: "barnacle",
    versionInfo: { getCurrentVersion: async () => (await import("./shared/build.ts")).buildLine() },
    scanner: { caseStyle: "allow-kebab-for-camel" },
    // The library asks for the number of colours, which Deno answers without a terminal, too.
    documentation: { disableAnsiColor: !style.isOn || !styleFor(stderr, env).isOn },
    localization: { text: errorTexts(stderr) },
    determineExitCode: (error) => error instanceof StartError ? error.code : EXIT.failed,
  });
}

/** Waits until a pipe has taken all output, which `process.exit` would cut off. */
function drained(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.once("error", () => resolve()); // the pipe is broken
    stream.end(() => resolve());
  });
}

/** Drops the `--` that `deno task demo -- --check` hands on after the command. */
function withoutDashes([command = "", ...rest]: readonly string[]): readonly string[] {
  return [command, ...rest[0] === "--" ? rest.slice(1) : rest];
}
