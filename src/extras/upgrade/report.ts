/** Prints the result of `barnacle upgrade`. */

import { hasPrevious, type ProgramPaths } from "../../host/files/program_file.ts";
import { VERSION } from "../../version.ts";
import type { CommonFlags } from "../../cli/shared/command.ts";
import { EXIT, type ExitCode } from "../../cli/shared/exit_code.ts";
import type { Io } from "../../cli/terminal/io.ts";
import type { ForeignOwner } from "./owner.ts";
import type { Release, ReleaseList } from "./release_list.ts";
import type { Restarted } from "./restart_bot.ts";

/** Where the result goes, and in which form. */
export interface Output {
  readonly flags: Pick<CommonFlags, "json">;
  readonly io: Pick<Io, "out">;
}

function print({ flags: { json }, io }: Output, lines: readonly string[], facts: object): void {
  if (json) io.out(JSON.stringify(facts));
  else for (const line of lines) io.out(line);
}

/**
 * Reports that there is nothing newer to install.
 *
 * @param outcome Set if a bot still ran an older program.
 */
export function reportCurrent(
  newest: Release | undefined,
  { issued: list }: ReleaseList,
  outcome: Restarted | undefined,
  output: Output,
): ExitCode {
  const is = newest?.version === VERSION
    ? "is the newest release"
    : `is installed already; the newest release is ${newest?.version ?? "a preview"}`;
  const lines = [`Barnacle ${VERSION} ${is} (list of ${list}).`];
  if (outcome) lines.push(outcomeText("the version before it", VERSION, outcome, true));
  print(output, lines, { version: VERSION, newest: newest?.version, list, outcome });
  return outcome ? codeOf(outcome) : EXIT.done;
}

/** Reports a newer release for `--check`. @param command Installs it; absent: the same without `--check`. */
export function reportAvailable(
  { version, date }: Release,
  { issued: list }: ReleaseList,
  command: ForeignOwner["command"] | undefined,
  output: Output,
): ExitCode {
  const line =
    `Barnacle ${version} of ${date} is available; this is ${VERSION} (list of ${list}). ` +
    `To install it: ${command ?? "run this again without --check"}`;
  print(output, [line], { version: VERSION, newest: version, date, list, command });
  return EXIT.partly;
}

/**
 * Reports that the program was replaced.
 *
 * @param to The version that is installed now.
 * @param migrates Whether its start changes the schema: there is no way back from its first event.
 */
export function reportInstalled(
  to: string,
  paths: ProgramPaths,
  outcome: Restarted,
  output: Output,
  migrates = false,
): ExitCode {
  const canGoBack = hasPrevious(paths) && !(migrates && outcome.kind === "accepted");
  const line = outcomeText(VERSION, to, outcome, canGoBack);
  print(output, [line], { from: VERSION, to, program: paths.program, outcome });
  return codeOf(outcome);
}

/** @param canGoBack Whether there is a program before it. */
function outcomeText(from: string, to: string, outcome: Restarted, canGoBack: boolean): string {
  const back = canGoBack ? " `barnacle upgrade --back` returns to the program before it." : "";
  switch (outcome.kind) {
    case "none":
      return `Barnacle ${to} is installed. No bot runs; the next \`barnacle run\` starts it.${back}`;
    case "same":
      return `Barnacle ${to} is installed, and the bot runs it already.`;
    case "accepted": {
      const { ms } = outcome;
      return ms === undefined
        ? `Barnacle ${to} runs.${back}`
        : `Barnacle ${to} runs, and Discord answers, ${(ms / 1_000).toFixed(1)} s after the ` +
          `restart began.${back}`;
    }
    case "runs": {
      const who = outcome.pid === undefined ? "the bot" : `the bot (pid ${outcome.pid})`;
      return `Barnacle ${to} is installed, but ${who} goes on with ${from}: ${outcome.why}. Restart it ` +
        "yourself.";
    }
    case "late":
      return outcome.isRunning
        ? `Barnacle ${to} runs, but has no event of Discord yet; \`barnacle status\` says why.${back}`
        : `Barnacle ${to} is installed, but no bot runs any more; its log says why.${back}`;
  }
}

function codeOf({ kind }: Restarted): ExitCode {
  return kind === "late" || kind === "runs" ? EXIT.partly : EXIT.done;
}
