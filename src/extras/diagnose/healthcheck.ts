/**
 * `barnacle healthcheck`: says in one line and by its exit code whether the running bot is healthy.
 *
 * It is the health check of the container image, which has neither a shell nor curl. So it finds the
 * bot by its lock file, and needs no address and no token. It judges as `/healthz` does.
 */

import { isTrouble } from "../../core/finding.ts";
import { printable } from "../../lib/text/quoted.ts";
import type { CommonFlags } from "../../cli/shared/command.ts";
import { EXIT, type ExitCode } from "../../cli/shared/exit_code.ts";
import { STATUS_TIMEOUT_MS } from "../../cli/shared/running_bot.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { answerOfBot, STATUS_TEXT } from "./status.ts";

/**
 * Prints the state of the bot, with the checks that do not pass.
 *
 * @param timeoutMs Milliseconds to wait for an answer; tests wait less.
 */
export async function healthcheck(
  { data, json }: CommonFlags,
  io: Io,
  timeoutMs: number = STATUS_TIMEOUT_MS,
): Promise<ExitCode> {
  const answer = await answerOfBot(data, io, timeoutMs);
  if ("problem" in answer) {
    const { problem, code } = answer;
    if (json) io.out(JSON.stringify({ status: "fail", problems: [], problem }));
    io.problem(problem);
    return code;
  }
  const { status, findings } = answer.report;
  const problems = findings.filter(isTrouble)
    .map(({ id, where, why, status }) => ({ check: id, where, why, status }));
  if (json) io.out(JSON.stringify({ status, problems }));
  else {
    const why = problems.map(({ check, where, why }) =>
      `${check}${where === undefined ? "" : ` (${where})`}: ${why}`
    );
    io.out(printable([STATUS_TEXT[status], ...why].join("; ")));
  }
  return status === "fail" ? EXIT.failed : EXIT.done;
}
