/**
 * `barnacle status`: prints the status of the running bot.
 *
 * It asks the bot over HTTP, at the address in the bot's lock file. So it shows the same checks as
 * `/healthz`.
 */

import type { LockHolder } from "../../host/locks/lock.ts";
import type { HealthFinding, Status } from "../../http/health_finding.ts";
import type { ShownReport } from "../../http/read_report.ts";
import { printable } from "../../lib/text/quoted.ts";
import { EXIT, type ExitCode, StartError } from "../shared/exit_code.ts";
import type { CommonFlags } from "../shared/command.ts";
import type { Io } from "../terminal/io.ts";
import { dataProblem, useData } from "../shared/find_data.ts";
import {
  askStatus,
  holderOf,
  httpTokenOf,
  isHeld,
  STATUS_TIMEOUT_MS,
} from "../shared/running_bot.ts";
import { toStartError } from "../shared/start_error.ts";

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
  const found = await holderIn(data, io);
  if ("problem" in found) {
    io.problem(found.problem.message);
    return found.problem.code;
  }
  const { dataDir, holder } = found;
  const answer = await io.during(
    "Asking the running bot",
    askStatus(dataDir, holder, await httpTokenOf(config, io.env), timeoutMs),
  );
  if (typeof answer === "string") {
    io.problem(`the bot with pid ${holder.pid} does not answer: ${answer}`);
    return EXIT.tryAgain;
  }
  const { report } = answer;
  if (json) io.out(answer.json);
  else {
    for (const line of linesOf(report)) io.out(printable(line));
    await printUsage(dataDir, io);
  }
  return report.status === "fail" ? EXIT.failed : EXIT.done;
}

/** Prints the use of the models, which the store has. A store that cannot be read is no error. */
async function printUsage(dataDir: string, io: Io): Promise<void> {
  const [{ openForCommand }, { usageLine }] = await Promise.all([
    import("../shared/store_access.ts"),
    import("../model/usage.ts"),
  ]);
  try {
    const opened = await openForCommand(dataDir, io.err);
    if (!opened) return;
    try {
      io.out(await usageLine(opened.store, Date.now()));
    } finally {
      await opened.close();
    }
  } catch {
    // the report above says it if the store is broken
  }
}

/** Finds the bot that holds the data directory and has an address. */
async function holderIn(data: string | undefined, io: Io): Promise<
  | { readonly dataDir: string; readonly holder: LockHolder }
  | { readonly problem: ReturnType<typeof toStartError> }
> {
  try {
    const place = await useData(data, io);
    const { dataDir, state } = place;
    if (state === "missing" || state === "hidden" || state === "foreign") throw dataProblem(place);
    // The file keeps the address of a bot that has ended, and any user can listen there.
    const holder = await isHeld(dataDir) === true ? holderOf(dataDir) : undefined;
    if (holder?.http !== undefined) return { dataDir, holder };
    throw new StartError(
      holder
        ? `the bot with pid ${holder.pid} has no HTTP server, or does not listen yet; see its log`
        : `no bot runs with the data in ${dataDir}; start it, or set --data to the bot's`,
      EXIT.tryAgain,
    );
  } catch (error) {
    return { problem: toStartError(error) };
  }
}

/** The state of the whole bot. */
const STATUS_TEXT: Readonly<Record<Status, string>> = {
  pass: "Healthy",
  warn: "Works, with warnings",
  fail: "Does not work as it should",
};

/** The state of a check, as `doctor` writes it. */
const MARKS: Readonly<Record<Status, string>> = { pass: "ok", warn: "warn", fail: "FAIL" };

function linesOf({ status, build, snapshot, findings }: ShownReport): readonly string[] {
  const { version, commit, runtime } = build;
  const [first, ...others] = snapshot.accounts;
  const only = others.length === 0 ? first?.id : undefined;
  return [
    `${STATUS_TEXT[status]}: ${snapshot.phase}, ` +
    `Barnacle ${version}${commit && ` (${commit})`}, ${runtime}`,
    ...(only === undefined ? snapshot.accounts.map(accountLine) : []),
    ...findings.map((finding) => findingLine(finding, only)),
  ];
}

function accountLine(
  { id, name, state, end }: ShownReport["snapshot"]["accounts"][number],
): string {
  const called = name === undefined ? id : `${id} (${name})`;
  return `      ${called.padEnd(28)} ${end === undefined ? state : `${state}: ${end}`}`;
}

/** @param only Id of the only account, if there is only one: its name is left out. */
function findingLine(
  { status, id, where = "", why }: HealthFinding,
  only: string | undefined,
): string {
  const mark = MARKS[status].padEnd(5);
  return `${mark} ${id.padEnd(28)} ${(where === only ? "" : where).padEnd(14)} ${why}`;
}
