/**
 * `barnacle status`: prints the status of the running bot.
 *
 * It asks the bot over HTTP, at the address in the bot's lock file. So it shows the same checks as
 * `/healthz`.
 *
 * @module
 */

import { homedir } from "node:os";
import { findDataDir } from "../../host/files/data_dir.ts";
import type { StatusReport } from "../../http/app.ts";
import type { Check } from "../../http/check.ts";
import type { AccountSnapshot } from "../../http/snapshot.ts";
import { EXIT, type ExitCode } from "../shared/exit_code.ts";
import type { CommonFlags } from "../shared/flags.ts";
import type { Io } from "../terminal/io.ts";
import { askStatus, holderOf, httpTokenOf, STATUS_TIMEOUT_MS } from "../shared/running_bot.ts";

/**
 * Prints the state of the bot, of its accounts and of each check.
 *
 * @param timeoutMs Milliseconds to wait for an answer; tests wait less.
 */
export async function status(
  { config, data, json }: CommonFlags,
  io: Io,
  timeoutMs: number = STATUS_TIMEOUT_MS,
): Promise<ExitCode> {
  const { env } = io;
  const dataDir = findDataDir({
    env,
    home: homedir(),
    ...(data !== undefined && { flag: data }),
  });
  const holder = holderOf(dataDir);
  if (!holder?.http) {
    io.problem(
      `no running bot found in ${dataDir}, or this user may not read it; ` +
        "set --data, or use sudo",
    );
    return EXIT.tryAgain;
  }
  const report = await io.during(
    "Asking the running bot",
    askStatus(holder.http, await httpTokenOf(config, env), timeoutMs),
  );
  if (typeof report === "string") {
    io.problem(`the bot with pid ${holder.pid} does not answer: ${report}`);
    return EXIT.tryAgain;
  }
  if (json) io.out(JSON.stringify(report));
  else for (const line of linesOf(report)) io.out(line);
  return report.status === "fail" ? EXIT.failed : EXIT.done;
}

function linesOf({ status, build, snapshot, checks }: StatusReport): readonly string[] {
  const { version, commit, runtime } = build;
  const [first, ...others] = snapshot.accounts;
  const only = others.length === 0 ? first?.id : undefined;
  return [
    `${status}  ${snapshot.phase}, barnacle ${version}${commit && ` (${commit})`}, ${runtime}`,
    ...(only === undefined ? snapshot.accounts.map(accountLine) : []),
    ...checks.map((check) => checkLine(check, only)),
  ];
}

function accountLine({ id, name, state, end }: AccountSnapshot): string {
  const called = name === undefined ? id : `${id} (${name})`;
  return `      ${called.padEnd(28)} ${end === undefined ? state : `${state}: ${end}`}`;
}

/** @param only Id of the only account, if there is only one: its name is left out. */
function checkLine(check: Check, only: string | undefined): string {
  const { status, name, observedValue, observedUnit = "" } = check;
  const { componentId = "" } = check.componentId === only ? {} : check;
  const value = typeof observedValue === "number"
    ? Math.round(observedValue * 1_000) / 1_000
    : observedValue;
  return `${status.padEnd(5)} ${name.padEnd(28)} ${componentId.padEnd(14)} ${value} ${observedUnit}`
    .trimEnd();
}
