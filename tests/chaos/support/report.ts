/**
 * Summarises a scenario: the simulated Discord's count, in one line.
 *
 * A scenario does not assert. It reports its findings and its broken bounds, so that a long form goes
 * on to its next repetition.
 */

import assert from "node:assert/strict";
import type { Account as Notebook } from "../../../simulator/gateway/accounts.ts";
import type { Account } from "../../support/bot/account.ts";

/** The seed of the short forms, and the default of the long ones. */
export const SEED = 20_261_120;

export interface Report {
  readonly seed: number;
  /** Expected answers, and their results. */
  readonly account: Account;
  readonly identifies: number;
  readonly earlyIdentifies: number;
  /** Successful and failed RESUMEs. */
  readonly resumes: { readonly resumed: number; readonly invalid: number };
  readonly lateBeats: number;
  /** The longest delay of a heartbeat, in milliseconds. */
  readonly worstBeatMs: number;
  readonly invalidRequests: number;
  /** Other measurements of a scenario. */
  readonly facts: Readonly<Record<string, string | number>>;
  /** Broken bounds of the scenario, in words. */
  readonly breaches: readonly string[];
  /** The last bot's output, for the search for causes. */
  readonly log: readonly string[];
}

/** A bound of a scenario, and whether it was kept. */
export type Bound = readonly [what: string, isKept: boolean];

/**
 * Lateness of a heartbeat that a blocked main thread would exceed, in milliseconds. A busy machine
 * alone may hold any process back for a second.
 */
const LATE_BEAT_MS = 2_000;

/** Reads the simulator's records, and checks the rules that always hold. */
export function reportOf(
  seed: number,
  account: Account,
  notebook: Notebook,
  { facts = {}, bounds = [], log = [] }: {
    readonly facts?: Report["facts"];
    readonly bounds?: readonly Bound[];
    readonly log?: readonly string[];
  } = {},
): Report {
  const worstBeatMs = Math.max(0, ...notebook.beats.map(({ lateMs }) => lateMs));
  const resumed = notebook.resumes.filter(({ outcome }) => outcome === "resumed").length;
  const always: readonly Bound[] = [
    ["nothing is lost", account.lost.length === 0],
    ["nothing is doubled", account.doubled.length === 0],
    ["nothing is out of order", account.outOfOrder.length === 0],
    ["no heartbeat is late by more than two seconds", worstBeatMs <= LATE_BEAT_MS],
    ["no IDENTIFY comes within five seconds of another", notebook.earlyIdentifies === 0],
    ["the token is not reset", notebook.tokenResetAt === undefined],
    [
      "one nonce makes one message",
      [...notebook.creates.values()].every(({ messages }) => messages.size <= 1),
    ],
    ["every answer belongs to a question", account.owed > 0],
  ];
  return {
    seed,
    account,
    identifies: notebook.identifies.length,
    earlyIdentifies: notebook.earlyIdentifies,
    resumes: { resumed, invalid: notebook.resumes.length - resumed },
    lateBeats: notebook.lateBeats,
    worstBeatMs,
    invalidRequests: notebook.invalidRequests.length,
    facts,
    breaches: [...always, ...bounds].filter(([, isKept]) => !isKept).map(([what]) => what),
    log,
  };
}

/** `seed=1 owed=20 answered=20 lost=0 …`, with the ids that break a rule, if any do. */
export function lineOf(report: Report): string {
  const { account, resumes, facts } = report;
  const figures = {
    seed: report.seed,
    owed: account.owed,
    answered: account.answered,
    lost: account.lost.length,
    doubled: account.doubled.length,
    misordered: account.outOfOrder.length,
    identifies: report.identifies,
    earlyIdentifies: report.earlyIdentifies,
    resumes: resumes.resumed,
    invalidResumes: resumes.invalid,
    lateBeats: report.lateBeats,
    worstBeatMs: Math.round(report.worstBeatMs),
    invalidRequests: report.invalidRequests,
    ...facts,
  };
  const broken = Object.entries({
    lost: account.lost,
    doubled: account.doubled,
    misordered: account.outOfOrder,
    broken: report.breaches,
  }).filter(([, ids]) => ids.length > 0).map(([what, ids]) => `\n  ${what}: ${ids.join(", ")}`);
  return Object.entries(figures).map(([name, value]) => `${name}=${value}`).join(" ") +
    broken.join("");
}

/** Number of log lines shown with a failure. */
const LOG_LINES = 40;

/** Fails with the whole line, unless every bound was kept. */
export function assertKept(name: string, report: Report): void {
  console.log(`${name}: ${lineOf(report)}`);
  const log = report.log.slice(-LOG_LINES).join("\n");
  assert.deepEqual(report.breaches, [], `${lineOf(report)}\n${log}`);
}
