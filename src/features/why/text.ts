/** Prints a {@link WhyReport}: first the answer, then its reasons, and the steps of the turn. */

import { timeText } from "../../lib/text/units.ts";
import { isOwnSession } from "../../core/inbound/inbound.ts";
import { moneyText, type TurnCost } from "../../core/spending/budget.ts";
import type { ReplacedModel } from "../../core/model.ts";
import { nextStepAfter } from "../../core/model_problem.ts";
import { clip, printable } from "../../lib/text/quoted.ts";
import {
  asPhrase,
  checkLines,
  type CheckStyle,
  ruleText,
} from "../../cli/verdict/current_rules.ts";
import { inColumns } from "../../cli/shared/columns.ts";
import type { Outcome, ReportedRow, TimelineEntry, WhyDecision, WhyReport } from "./report.ts";

type Turn = NonNullable<WhyReport["turn"]>;
type Run = NonNullable<WhyReport["runs"]>[number];

/**
 * Lays a report out.
 *
 * @returns Lines without control characters.
 */
export function whyLines(report: WhyReport, shown: CheckStyle): readonly string[] {
  const { messageId, askedBy, decisions } = report;
  return joined([
    ...(askedBy === undefined ? [] : [[`${askedBy} is about the message ${messageId}.`]]),
    ...(decisions.length === 0 ? [[withoutDecision(report)]] : []),
    ...decisions.map((decision) => ofDecision(decision, report, shown)),
    ...storySections(report),
  ]);
}

/**
 * Lays out what became of a message after its decision: turn, steps, deliveries.
 *
 * @returns As {@link whyLines}; no line if nothing did.
 */
export function storyLines(report: WhyReport): readonly string[] {
  return joined(storySections(report));
}

/** All lines, with a blank one between two sections. */
function joined(sections: readonly (readonly string[])[]): readonly string[] {
  return sections.flatMap((lines, at) => at === 0 ? lines : ["", ...lines]);
}

function storySections(report: WhyReport): readonly (readonly string[])[] {
  const { turn, steps, outbox, runs = [], currency } = report;
  return [
    ...(turn ? [[...turnLines(turn, currency), ...stepLines(steps, currency)]] : []),
    ...(report.receipts === undefined ? [] : [[`Receipts: ${report.receipts}`]]),
    ...(outbox.length === 0 ? [] : [deliveryLines(report)]),
    ...(runs.length === 0 ? [] : [["Passive agents:", ...runs.map(runLine)]]),
  ];
}

function withoutDecision({ messageId, outbox }: WhyReport): string {
  return outbox.some((row) => row.messageId === messageId)
    ? `${messageId} is a message of the bot that answers no one.`
    : `The decision on ${messageId} is no longer recorded; its results are.`;
}

function ofDecision(
  decision: WhyDecision,
  report: WhyReport,
  shown: CheckStyle,
): readonly string[] {
  const { accountId, at, checks = [], missing, thisVersion, now } = decision;
  const account = report.decisions.length > 1 ? `[${accountId}] ` : "";
  return [
    account + headline(decision, report, shown),
    `Decided ${timeText(at)}${account === "" ? ` for account ${accountId}` : ""}.`,
    ...checkLines(checks, shown),
    ...(missing === "facts" ? ["  Its checks are not available: its facts are not recorded."] : []),
    ...(missing === "policy"
      ? ["  Its checks are not available: the policy of that time is not recorded."]
      : []),
    ...(thisVersion
      ? [
        `  Another version of Barnacle decided this; the verdict of this version: ${
          outcomeText(thisVersion, shown)
        }`,
      ]
      : []),
    ...(now
      ? [
        `With the current config and pairings: ${outcomeText(now, shown)}`,
        ...checkLines(now.checks, shown),
      ]
      : []),
  ];
}

/** The one line that answers the question. */
function headline(decision: WhyDecision, report: WhyReport, { cwd }: CheckStyle): string {
  const rule = `(${printable(ruleText(decision.rule, decision.place, cwd))})`;
  const reason = asPhrase(decision.words);
  switch (decision.verdict) {
    case "accept":
      return `${answered(decision, report)}: ${reason} ${rule}`;
    case "challenge":
      return `Not answered; the sender got a pairing code: ${reason} ${rule}`;
    case "undecided":
      return `Not decided yet: ${reason} ${rule}`;
    default:
      return `Not answered: ${reason} ${rule}`;
  }
}

function answered({ accountId }: WhyDecision, { turn, outbox }: WhyReport): string {
  if (!turn) return "Accepted; its turn is no longer recorded";
  if (turn.accountId !== accountId) {
    return `Accepted; account ${turn.accountId} answers it`;
  }
  switch (turn.state) {
    case "waiting":
      return turn.attempt === 0 ? "Accepted; waiting for a turn" : "Accepted; waiting for a retry";
    case "running":
      return "Accepted; the turn is running";
    case "declined":
      return turn.failure === undefined
        ? "Accepted; the model chose not to answer"
        : `Accepted; no answer: ${printable(turn.failure)}`;
    case "refused":
      return `Accepted; no answer: ${printable(turn.failure ?? "a budget was spent")}`;
    case "failed":
      return "Accepted; its turn failed";
    case "cancelled":
      return "Accepted; no answer: it was deleted, or edited into a message that gets none";
    case "stopped":
      return "Accepted; no answer: a person stopped the turn";
    case "interrupted":
      return "Accepted; no answer: a later message took the place of its turn";
    case "answered": {
      const answered = turn.replyTo === undefined
        ? "Answered"
        : `Answered together with the message ${turn.replyTo}`;
      return hasArrived(outbox) ? answered : `${answered}, but not fully delivered`;
    }
  }
}

export function hasArrived(outbox: readonly ReportedRow[]): boolean {
  return outbox.every(({ state }) => ["sent", "withdrawn"].includes(state));
}

function outcomeText({ verdict, words, rule, place }: Outcome, { cwd }: CheckStyle): string {
  return `${VERDICTS[verdict] ?? verdict}: ${asPhrase(words)} (${
    printable(ruleText(rule, place, cwd))
  })`;
}

const VERDICTS: Readonly<Record<string, string>> = {
  accept: "answered",
  challenge: "not answered; the sender would get a pairing code",
  undecided: "not decided; a fact is missing",
  ignore: "not answered",
};

function turnLines(turn: Turn, currency: string | undefined): readonly string[] {
  const { state, attempt, agentId, sessionKey, acceptedAt, claimedAt, finishedAt } = turn;
  const took = claimedAt === undefined || finishedAt === undefined
    ? ""
    : ` (${((finishedAt - claimedAt) / 1_000).toFixed(1)} s)`;
  const steps = [
    `accepted ${timeText(acceptedAt)}`,
    ...(claimedAt === undefined ? [] : [`begun ${timeText(claimedAt)}`]),
    ...(finishedAt === undefined ? [] : [`ended ${timeText(finishedAt)}${took}`]),
  ];
  const attempts = attempt === 0 ? "no attempt" : `attempt ${attempt}`;
  return [
    `Turn: ${state}, ${attempts}, agent ${printable(agentId)}, session ${printable(sessionKey)}`,
    ...(isOwnSession(sessionKey) ? [OWN] : []),
    `  ${steps.join(", ")}`,
    ...(turn.spokenSec === undefined ? [] : [
      `  spoken, ${turn.spokenSec} s; its answer is spoken, and posted if it is more than speech`,
    ]),
    ...sharedLines(turn),
    ...changeLines(turn),
    ...(turn.cost ? [`  ${costText(turn.cost, currency)}`] : []),
    ...(turn.cost?.replaced ? [`  in place of ${replacedText(turn.cost.replaced)}`] : []),
    ...(turn.failureId === undefined
      ? turn.failure === undefined || state === "refused" || state === "declined"
        ? []
        : [`  reason: ${printable(turn.failure)}`]
      : [`  error ${turn.failureId}: ${printable(turn.failure ?? "no reason recorded")}`]),
    ...nextStepLines(turn),
  ];
}

const OWN = "  answered privately, as it reads the person's own account; its words are not shown";

/** What the operator can do about a failure. */
function nextStepLines({ failure = "" }: Turn): readonly string[] {
  const next = nextStepAfter(failure);
  return next === undefined ? [] : [`  next step: ${printable(next)}`];
}

/** The other messages of the turn (S5). */
function sharedLines({ turnOf, replyTo }: Turn): readonly string[] {
  const parts = [
    ...(turnOf === undefined ? [] : [`part of the turn that began with ${turnOf}`]),
    ...(replyTo === undefined ? [] : [`the reply belongs to ${replyTo}`]),
  ];
  return parts.length === 0 ? [] : [`  ${parts.join("; ")}`];
}

/** The changes of the message by a person (H6). */
function changeLines({ revision, change, state }: Turn): readonly string[] {
  return [
    ...(revision === 0 ? [] : ["  edited before the turn ended: the turn has the new text"]),
    ...(change
      ? [
        `  ${change.kind} ${timeText(change.at)}${state === "cancelled" ? "" : ", after its turn"}`,
      ]
      : []),
  ];
}

function costText(
  { model, requests, inputTokens, cachedTokens, outputTokens, micros, ms }: TurnCost,
  currency: string | undefined,
): string {
  const money = micros === undefined ? "no price" : `money ${moneyText(micros, currency)}`;
  return `model ${printable(model)}, ${requests} ${requests === 1 ? "request" : "requests"}, ` +
    `${inputTokens} (${cachedTokens} cached) + ${outputTokens} tokens, ${money}, ` +
    `${(ms / 1_000).toFixed(1)} s`;
}

/** The model that should have answered: why it did not, since when, and when it is asked again. */
function replacedText({ model, why, since, until }: ReplacedModel): string {
  const again = until === undefined ? "by the next turn" : `from ${timeText(until)} on`;
  return `${printable(model)}, which failed as "${printable(why)}" since ${timeText(since)}; ` +
    `it is asked again ${again}`;
}

function deliveryLines({ outbox }: WhyReport): readonly string[] {
  const rows = outbox.map((row) => [
    `  ${row.id}`,
    [
      row.kind ?? "message",
      ...(row.part === undefined || (row.parts ?? 1) < 2
        ? []
        : [`${row.part + 1} of ${row.parts}`]),
    ].join(" "),
    row.parkedReason === undefined ? row.state : "parked",
    sinceText(row),
    outcomeOfRow(row),
  ]);
  return ["Delivery:", ...inColumns(rows)];
}

function sinceText({ firstAttemptAt, createdAt }: ReportedRow): string {
  return firstAttemptAt === undefined
    ? `since ${timeText(createdAt)}`
    : `tried ${timeText(firstAttemptAt)}`;
}

/** What became of a message for Discord: its link, or why it is not sent. */
function outcomeOfRow(row: ReportedRow): string {
  const { messageId, channelId, guildId = "@me", parkedReason, reason } = row;
  const { failingSince, nextAttemptAt, behind } = row;
  if (messageId !== undefined) {
    return `https://discord.com/channels/${guildId}/${channelId}/${messageId}`;
  }
  const why = parkedReason ?? reason;
  const since = failingSince === undefined ? "" : `failing since ${timeText(failingSince)}`;
  const failed = [since, why].filter((part) => part !== undefined && part !== "").join(": ");
  return [
    ...(failed === "" ? [] : [failed]),
    ...(behind === undefined || parkedReason !== undefined ? [] : [`waits for message ${behind}`]),
    ...(nextAttemptAt === undefined ? [] : [`next attempt ${timeText(nextAttemptAt)}`]),
  ].join("; ");
}

/** Maximum UTF-16 units of a call's arguments, and of its problem. */
const SHOWN_CHARS = 80;

/** A run of a passive agent: its trigger, and what became of it. */
function runLine({ messageId, triggered, state, failure }: Run): string {
  const { agentId, event, rule, isAnswered } = triggered;
  const posts = isAnswered ? "its text is not posted, because an active agent answers" : "posts";
  return `  ${printable(agentId)}: ${event} of ${printable(rule)}; ${posts}; ${state}${
    failure === undefined ? "" : ` (${printable(failure)})`
  }: barnacle why ${messageId}`;
}

/** One line for each step, after a heading; no line without steps. */
function stepLines(steps: readonly TimelineEntry[], currency?: string): readonly string[] {
  if (steps.length === 0) return [];
  const rows = steps.map((entry, index) => [`  ${index + 1}`, ...stepCells(entry, currency)]);
  return ["Steps:", ...inColumns(rows)];
}

/** A step: its kind, its duration, and what came of it. */
function stepCells(entry: TimelineEntry, currency?: string): readonly string[] {
  const ms = entry.endedAt - entry.startedAt;
  const took = ms < 1_000 ? `${ms} ms` : `${(ms / 1_000).toFixed(1)} s`;
  if (entry.kind === "model") {
    const { usage, calls, modelId } = entry;
    const parts = [
      ...(modelId === undefined ? [] : [printable(modelId)]),
      ...(usage ? [`${usage.inputTokens} + ${usage.outputTokens} tokens`] : []),
      ...(usage?.micros === undefined ? [] : [`money ${moneyText(usage.micros, currency)}`]),
      calls.length === 0 ? "answers" : `calls ${printable(calls.join(", "))}`,
    ];
    return ["model", took, parts.join(", ")];
  }
  const { name, arguments: written, end, chars, shownChars, refused, problem } = entry;
  const cut = shownChars === undefined ? "" : `, cut for room to ${shownChars}`;
  const result = problem === undefined
    ? `${end}, ${chars} ${chars === 1 ? "character" : "characters"}${cut}`
    : `${refused ? `refused (${refused}), ` : ""}${short(problem)}`;
  return ["tool", took, `${printable(name)} ${short(written)}: ${result}`];
}

function short(text: string): string {
  return printable(clip(text, SHOWN_CHARS).replaceAll(/\s+/g, " "));
}
