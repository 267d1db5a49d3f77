/**
 * `barnacle status`: prints the status of the running bot.
 *
 * It asks the bot over HTTP, at the address in the bot's lock file. So it shows the same checks as
 * `/healthz`. The store has the rest: the last answer, the servers and the use of models.
 */

import type { LockHolder } from "../../host/locks/lock.ts";
import { isTrouble, type Status } from "../../core/finding.ts";
import type { ShownReport } from "../../http/snapshot.ts";
import { printable } from "../../lib/text/quoted.ts";
import { EXIT, type ExitCode, StartError } from "../../cli/shared/exit_code.ts";
import type { CommonFlags } from "../../cli/shared/command.ts";
import type { Io, Style } from "../../cli/terminal/io.ts";
import { type DataChoice, dataProblem, useData } from "../../cli/shared/find_data.ts";
import {
  askStatus,
  type BotAnswer,
  listeningHolder,
  STATUS_TIMEOUT_MS,
} from "../../cli/shared/running_bot.ts";
import { showFindings } from "../../cli/shared/columns.ts";
import { toStartError } from "../../cli/shared/start_error.ts";

export interface StatusFlags extends CommonFlags {
  /** Whether to print the checks that pass, too. */
  readonly verbose: boolean;
  /** Whether to print one line. */
  readonly quiet: boolean;
  /** Whether to audit the bot's permissions at Discord, too. */
  readonly probe: boolean;
}

/**
 * Prints the state of the bot, of its accounts and of each check.
 *
 * @param timeoutMs Milliseconds to wait for an answer; tests wait less.
 */
export async function status(
  flags: StatusFlags,
  io: Io,
  timeoutMs: number = STATUS_TIMEOUT_MS,
): Promise<ExitCode> {
  const asked = await askBot(flags, io, timeoutMs);
  const probed = flags.probe
    ? await (await import("./probe.ts")).probe(flags, {
      ...io,
      // Both need the data directory; a problem with it is told once, below.
      problem: (text) => text === asked.problem ? undefined : io.problem(text),
    })
    : undefined;
  if (flags.json) {
    const { json } = asked;
    io.out(probed ? JSON.stringify({ ...JSON.parse(json), probe: probed.accounts }) : json);
  } else {
    for (const line of asked.lines) io.out(printable(line));
  }
  if (asked.problem !== undefined) {
    // Without a bot, the probe still has its answer.
    if (asked.isStopped && probed) io.err(`Not running: ${asked.problem}`);
    else io.problem(asked.problem);
  }
  if (probed && !flags.json) {
    const { probeLines } = await import("./probe.ts");
    if (asked.lines.length > 0) io.out("");
    for (const line of probeLines(probed.accounts)) io.out(line);
  }
  if (!probed) return asked.code;
  if (asked.isStopped) return probed.code;
  const isOpen = asked.code === EXIT.done || asked.code === EXIT.tryAgain;
  return isOpen && probed.code !== EXIT.done ? probed.code : asked.code;
}

/** The bot's report, as JSON and as lines; without a bot, the problem. */
interface AskedBot {
  readonly json: string;
  readonly lines: readonly string[];
  readonly problem?: string;
  readonly code: ExitCode;
  /** Whether no bot runs, so that only the store and Discord can be asked. */
  readonly isStopped?: boolean;
}

async function askBot(
  { config, data, json, verbose, quiet, probe }: StatusFlags,
  io: Io,
  timeoutMs: number,
): Promise<AskedBot> {
  const failed = (problem: string, code: ExitCode): AskedBot => {
    const answer = { status: "fail", isRunning: false, problem };
    return { json: JSON.stringify(answer), lines: [], problem, code };
  };
  const answer = await answerOfBot(data, io, timeoutMs);
  if ("problem" in answer) {
    const { problem, code, stopped } = answer;
    const toldHere = (text: string): readonly Fact[] => probe ? [] : [["Store", text]]; // by the probe
    const facts = stopped && !json && !quiet
      ? await storedFacts(stopped, config, io, toldHere)
      : [];
    return { ...failed(problem, code), isStopped: stopped !== undefined, lines: factLines(facts) };
  }
  const { report, place } = answer;
  const code = report.status === "fail" ? EXIT.failed : EXIT.done;
  if (json) return { json: answer.json, lines: [], code };
  if (quiet) return { json: answer.json, lines: [lineOf(report)], code };
  const [first = "", ...checks] = linesOf(report, verbose, io.style);
  const stored = await storedFacts(place, config, io, () => []); // the checks say it
  const facts = factLines([...stored, ...modelFacts(report), ...configFacts(report)]);
  return { json: answer.json, lines: [first, ...facts, ...checks], code };
}

/** Asks the bot that holds the data directory. */
async function answerOfBot(data: string | undefined, io: Io, timeoutMs: number): Promise<
  {
    readonly problem: string;
    readonly code: ExitCode;
    /** The data directory, if no bot runs with it. */
    readonly stopped?: DataChoice;
  } | BotAnswer & { readonly place: DataChoice }
> {
  const found = await holderIn(data, io, timeoutMs);
  if ("problem" in found) {
    const { problem: { message, code }, place: stopped } = found;
    return { problem: message, code, stopped };
  }
  const { place, holder } = found;
  const answer = await io.during(
    "Asking the running bot",
    askStatus(place.dataDir, holder, timeoutMs),
  );
  if (typeof answer !== "string") return { ...answer, place };
  const problem = `the bot with pid ${holder.pid} does not answer: ${answer}`;
  return { problem, code: EXIT.tryAgain };
}

type Fact = readonly [what: string, text: string];

function factLines(facts: readonly Fact[]): readonly string[] {
  return facts.map(([what, text]) => `      ${what.padEnd(12)} ${text}`);
}

/**
 * The facts that the store has.
 *
 * @param onProblem Gets the problem of a store that cannot be read, which is no error here.
 */
async function storedFacts(
  { dataDir, config: ofService }: DataChoice,
  config: string | undefined,
  io: Io,
  onProblem: (problem: string) => readonly Fact[],
): Promise<readonly Fact[]> {
  const [{ openForCommand }, { factsIn }] = await Promise.all([
    import("../../cli/shared/store_access.ts"),
    import("./stored_facts.ts"),
  ]);
  try {
    const opened = await openForCommand(dataDir);
    if (!opened) return [];
    try {
      return await factsIn(opened.store, config ?? ofService, io);
    } finally {
      await opened.close();
    }
  } catch (error) {
    return onProblem(toStartError(error).message);
  }
}

function modelFacts({ findings }: ShownReport): readonly Fact[] {
  const models = findings.filter(({ id }) => id.startsWith("llm:"));
  return models.map(({ id, why }) => ["Model", `${id.slice("llm:".length)}: ${why}`]);
}

/** The changed keys that the running bot cannot apply: else a person waits for their effect. */
function configFacts({ findings }: ShownReport): readonly Fact[] {
  return findings.filter(({ id, status }) => id === "config:current" && status === "pass")
    .flatMap(({ why }): readonly Fact[] => {
      const [, later] = why.split("; ");
      return later === undefined ? [] : [["Config", later]];
    });
}

/**
 * Finds the bot that holds the data directory and has an address.
 *
 * @param timeoutMs Milliseconds that a bot gets to listen, if it has just started.
 * @returns Without one, the problem; and the directory, if no bot runs with it.
 */
async function holderIn(data: string | undefined, io: Io, timeoutMs: number): Promise<
  | { readonly place: DataChoice; readonly holder: LockHolder }
  | { readonly problem: ReturnType<typeof toStartError>; readonly place?: DataChoice }
> {
  try {
    const place = await useData(data, io);
    const { dataDir, state } = place;
    if (state === "missing") return { place, problem: dataProblem(place) };
    if (state === "hidden" || state === "foreign") throw dataProblem(place);
    // The file keeps the address of a bot that has ended, and any user can listen there.
    const holder = await io.during(
      "Waiting until the bot listens",
      listeningHolder(dataDir, timeoutMs),
    );
    if (holder?.http !== undefined) return { place, holder };
    if (!holder) {
      const message =
        `no bot runs with the data in ${dataDir}; start it, or set --data to the bot's`;
      return { place, problem: { message, code: EXIT.tryAgain } };
    }
    throw new StartError(
      `the bot with pid ${holder.pid} does not listen yet; see its log`,
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

/** Whether people have paused the bot: each of its running accounts. */
function isPaused({ snapshot: { accounts }, findings }: ShownReport): boolean {
  const running = accounts.filter(({ state }) => state === "running");
  const paused = findings.flatMap(({ id, where }) => id === "account:paused" ? [where] : []);
  return running.length > 0 && running.every(({ id }) => paused.includes(id));
}

function linesOf(report: ShownReport, isVerbose: boolean, style: Style): readonly string[] {
  const { status, build, snapshot, findings } = report;
  const { version, commit, runtime } = build;
  const only = snapshot.accounts.length === 1 ? snapshot.accounts[0]?.id : undefined;
  const shown = (isVerbose ? findings : findings.filter(isTrouble))
    .map((one) => one.where === only ? { ...one, where: undefined } : one); // not the only name
  const passed = findings.length - shown.length;
  return [
    `${status !== "fail" && isPaused(report) ? "Paused" : STATUS_TEXT[status]}: ` +
    `${snapshot.phase}, ` +
    `Barnacle ${version}${commit && ` (${commit})`}, ${runtime}`,
    ...(snapshot.accounts.length > 1 ? snapshot.accounts.map(accountLine) : []),
    ...showFindings(shown, style),
    ...(passed > 1 ? [`      ${passed} checks pass; --verbose shows them`] : []),
    ...(passed === 1 ? ["      1 check passes; --verbose shows it"] : []),
  ];
}

/** The state with the checks that do not pass, for the health check of a container. */
function lineOf({ status, findings }: ShownReport): string {
  const problems = findings.filter(isTrouble).map(({ id, where, why }) =>
    `${id}${where === undefined ? "" : ` (${where})`}: ${why}`
  );
  return [STATUS_TEXT[status], ...problems].join("; ");
}

function accountLine(
  { id, name, state, end }: ShownReport["snapshot"]["accounts"][number],
): string {
  const called = name === undefined ? id : `${id} (${name})`;
  return `      ${called.padEnd(28)} ${end === undefined ? state : `${state}: ${end}`}`;
}
