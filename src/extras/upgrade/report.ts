/** Prints the result of `barnacle upgrade`. */

import { hasPrevious, type ProgramFiles } from "../../host/files/program_file.ts";
import type { CommonFlags } from "../../cli/shared/command.ts";
import { EXIT, type ExitCode } from "../../cli/shared/exit_code.ts";
import type { Io } from "../../cli/terminal/io.ts";
import type { ForeignOwner } from "./owner.ts";
import type { Release } from "./release_list.ts";
import type { Restarted } from "./restart_bot.ts";

/** What the command has found or done. */
export type UpgradeResult =
  | {
    readonly kind: "current";
    readonly version: string;
    /** The newest release; absent if the list has previews only. */
    readonly newest: string | undefined;
    readonly list: string;
    /** Set if a bot still ran an older program. */
    readonly outcome: Restarted | undefined;
  }
  | {
    readonly kind: "available";
    readonly version: string;
    readonly release: Release;
    readonly list: string;
    readonly owner: ForeignOwner | undefined;
    /** Whether the person named another place, which the next command needs, too. */
    readonly isElsewhere: boolean;
  }
  | {
    readonly kind: "installed";
    readonly from: string;
    readonly to: string;
    readonly files: ProgramFiles;
    readonly outcome: Restarted;
  };

/** Prints a result, and returns its exit code. */
export function report(
  result: UpgradeResult,
  { json }: Pick<CommonFlags, "json">,
  io: Io,
): ExitCode {
  const { text, code, facts } = told(result);
  if (json) io.out(JSON.stringify(facts));
  else for (const line of text) io.out(line);
  return code;
}

function told(result: UpgradeResult): {
  readonly text: readonly string[];
  readonly code: ExitCode;
  readonly facts: object;
} {
  switch (result.kind) {
    case "current": {
      const { version, newest, list, outcome } = result;
      const is = newest === version
        ? "is the newest release"
        : `is installed already; the newest release is ${newest ?? "a preview"}`;
      return {
        text: [
          `Barnacle ${version} ${is} (list of ${list}).`,
          ...(outcome ? [outcomeText("the version before it", version, outcome, true)] : []),
        ],
        code: outcome ? codeOf(outcome) : EXIT.done,
        facts: { version, newest, list, outcome },
      };
    }
    case "available": {
      const { version, release, list, owner, isElsewhere } = result;
      const command = owner?.command ?? "barnacle upgrade";
      const how = isElsewhere && !owner ? "run this again without --check" : command;
      return {
        text: [
          `Barnacle ${release.version} of ${release.date} is available; this is ${version} (list of ` +
          `${list}). To install it: ${how}`,
        ],
        code: EXIT.partly,
        facts: { version, newest: release.version, date: release.date, list, command },
      };
    }
    case "installed": {
      const { from, to, files, outcome } = result;
      return {
        text: [outcomeText(from, to, outcome, hasPrevious(files))],
        code: codeOf(outcome),
        facts: { from, to, program: files.program, outcome },
      };
    }
  }
}

/** @param canGoBack Whether there is a program before it. */
function outcomeText(from: string, to: string, outcome: Restarted, canGoBack: boolean): string {
  const back = canGoBack ? " `barnacle upgrade --back` returns to the program before it." : "";
  switch (outcome.kind) {
    case "none":
      return `Barnacle ${to} is installed. No bot runs; the next \`barnacle run\` starts it.${back}`;
    case "same":
      return `Barnacle ${to} is installed, and the bot runs it already.`;
    case "accepted":
      return `Barnacle ${to} runs, and Discord answers, ${
        (outcome.ms / 1_000).toFixed(1)
      } s after ` +
        `the restart began.${back}`;
    case "waits":
      return `Barnacle ${to} runs, and stands by: another process owns the store.${back}`;
    case "failed":
      return `Barnacle ${to} could not start, so ${from} is back: ${outcome.why}`;
    case "runs": {
      const who = outcome.pid === undefined ? "the bot" : `the bot (pid ${outcome.pid})`;
      return `Barnacle ${to} is installed, but ${who} goes on with ${from}: ${outcome.why}. Restart it ` +
        "yourself.";
    }
    case "late":
      return outcome.isRunning
        ? `Barnacle ${to} runs, but has no event of Discord yet; \`barnacle status\` says why.${back}`
        : `Barnacle ${to} is installed, but no bot runs any more; \`barnacle logs\` says why.${back}`;
  }
}

function codeOf({ kind }: Restarted): ExitCode {
  if (kind === "failed") return EXIT.failed;
  return kind === "late" || kind === "runs" ? EXIT.partly : EXIT.done;
}
