/**
 * A {@link WhyReport} in words: first the line that answers the question, then how it came to be.
 *
 * @module
 */

import { printable } from "../../lib/text/quoted.ts";
import { ruleText } from "../verdict/rules_with_lines.ts";
import { inColumns } from "../shared/columns.ts";
import { checkLines, type Shown } from "../verdict/checks.ts";
import type { Outcome, WhyDecision, WhyReport } from "./report.ts";

type Turn = NonNullable<WhyReport["turn"]>;
type OutboxRow = WhyReport["outbox"][number];

/** @returns Lines; nothing in them moves the cursor. */
export function whyLines(report: WhyReport, shown: Shown): readonly string[] {
  const { messageId, askedBy, decisions, turn, outbox } = report;
  const sections = [
    ...(askedBy === undefined ? [] : [[`${askedBy} is about the message ${messageId}.`]]),
    ...(decisions.length === 0 ? [[withoutDecision(report)]] : []),
    ...decisions.map((decision) => ofDecision(decision, report, shown)),
    ...(turn ? [turnLines(turn)] : []),
    ...(outbox.length === 0 ? [] : [deliveryLines(report)]),
  ];
  return sections.flatMap((lines, at) => at === 0 ? lines : ["", ...lines]);
}

function withoutDecision({ messageId, outbox }: WhyReport): string {
  return outbox.some((row) => row.messageId === messageId)
    ? `${messageId} is the bot's own message, and answers nobody.`
    : `What was decided of ${messageId} is forgotten; what came of it is still on record.`;
}

function ofDecision(
  decision: WhyDecision,
  report: WhyReport,
  shown: Shown,
): readonly string[] {
  const { accountId, at, checks = [], missing, thisVersion, now } = decision;
  const whose = report.decisions.length > 1 ? `[${accountId}] ` : "";
  return [
    whose + headline(decision, report, shown),
    `Decided ${timeText(at)}${whose === "" ? ` for the account ${accountId}` : ""}.`,
    ...checkLines(checks, shown),
    ...(missing === "facts"
      ? ["  Its facts are not on record, so its checks cannot be shown."]
      : []),
    ...(missing === "policy"
      ? ["  The policy of that time is not on record, so its checks cannot be shown."]
      : []),
    ...(thisVersion
      ? [
        `  Another version of Barnacle decided this; this one would say: ${
          outcomeText(thisVersion, shown)
        }`,
      ]
      : []),
    ...(now
      ? [
        `With the config and the pairings as they are now: ${outcomeText(now, shown)}`,
        ...checkLines(now.checks, shown),
      ]
      : []),
  ];
}

/** The one line that answers the question. */
function headline(decision: WhyDecision, report: WhyReport, { cwd }: Shown): string {
  const rule = `(${printable(ruleText(decision.rule, decision.place, cwd))})`;
  const words = phrase(decision.words);
  switch (decision.verdict) {
    case "accept":
      return `${answered(decision, report)}: ${words} ${rule}`;
    case "challenge":
      return `Not answered, but given a pairing code: ${words} ${rule}`;
    case "undecided":
      return `Not decided yet: ${words} ${rule}`;
    default:
      return `Not answered: ${words} ${rule}`;
  }
}

/** What became of a message that was accepted. */
function answered({ accountId }: WhyDecision, { turn, outbox }: WhyReport): string {
  if (!turn) return "Accepted, and nothing is left on record of its turn";
  if (turn.accountId !== accountId) {
    return `Accepted, and answered by the account ${turn.accountId}`;
  }
  switch (turn.state) {
    case "waiting":
      return turn.attempt === 0 ? "Accepted; it waits for its turn" : "Accepted; it is tried again";
    case "running":
      return "Accepted; it is being answered";
    case "declined":
      return "Accepted, and the model chose to say nothing";
    case "failed":
      return "Accepted, and its turn failed";
    default:
      return hasArrived(outbox) ? "Answered" : "Answered, but not all of it is at Discord";
  }
}

function hasArrived(outbox: readonly OutboxRow[]): boolean {
  return outbox.every(({ state }) => ["sent", "folded", "withdrawn"].includes(state));
}

function outcomeText({ verdict, words, rule, place }: Outcome, { cwd }: Shown): string {
  return `${VERDICTS[verdict] ?? verdict}: ${phrase(words)} (${
    printable(ruleText(rule, place, cwd))
  })`;
}

const VERDICTS: Readonly<Record<string, string>> = {
  accept: "answered",
  challenge: "given a pairing code",
  undecided: "not decided before a fact is known",
  ignore: "not answered",
};

/** A sentence as a part of one; names keep their capitals. */
export function phrase(sentence: string): string {
  const body = sentence.replace(/\.$/, "");
  return /^(?:Discord|PluralKit)\b/.test(body) ? body : body.replace(/^./u, (a) => a.toLowerCase());
}

function turnLines(turn: Turn): readonly string[] {
  const { state, attempt, agentId, sessionKey, acceptedAt, claimedAt, finishedAt } = turn;
  const took = claimedAt === undefined || finishedAt === undefined
    ? ""
    : ` (${((finishedAt - claimedAt) / 1_000).toFixed(1)} s)`;
  const steps = [
    `accepted ${timeText(acceptedAt)}`,
    ...(claimedAt === undefined ? [] : [`begun ${timeText(claimedAt)}`]),
    ...(finishedAt === undefined ? [] : [`ended ${timeText(finishedAt)}${took}`]),
  ];
  const attempts = attempt === 0 ? "no attempt yet" : `attempt ${attempt}`;
  return [
    `Turn: ${state}, ${attempts}, agent ${printable(agentId)}, session ${printable(sessionKey)}`,
    `  ${steps.join(", ")}`,
    ...(turn.failureId === undefined
      ? []
      : [`  failure ${turn.failureId}: ${printable(turn.failure ?? "no reason on record")}`]),
  ];
}

function deliveryLines({ outbox, decisions }: WhyReport): readonly string[] {
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
    outcomeOfRow(row, decisions),
  ]);
  return ["Delivery:", ...inColumns(rows)];
}

function sinceText({ firstAttemptAt, createdAt }: OutboxRow): string {
  return firstAttemptAt === undefined
    ? `since ${timeText(createdAt)}`
    : `tried ${timeText(firstAttemptAt)}`;
}

function outcomeOfRow(row: OutboxRow, decisions: readonly WhyDecision[]): string {
  const { messageId, channelId, accountId, foldedInto, parkedReason, reason, failingSince } = row;
  if (foldedInto !== undefined) return `its words are in ${foldedInto}`;
  if (messageId !== undefined) {
    const guildId = decisions.find((one) => one.accountId === accountId)?.guildId ?? "@me";
    return `https://discord.com/channels/${guildId}/${channelId}/${messageId}`;
  }
  const why = parkedReason ?? reason;
  const since = failingSince === undefined ? "" : `failing since ${timeText(failingSince)}`;
  return [since, why].filter((part) => part !== undefined && part !== "").join(": ");
}

/** `"2026-11-20 17:12:03 UTC"`. */
export function timeText(ms: number): string {
  return new Date(ms).toISOString().replace("T", " ").replace(/\.\d+Z$/, " UTC");
}
