/**
 * Reports the record of a message, judged again so that each check can be shown (P1).
 *
 * A decision keeps its facts and the policy of its time. From both, the engine derives the old
 * verdict again; from the current policy, the verdict of today. If the old verdict differs from the
 * record, another version made it. The report says so.
 *
 * A step has the time of its end only. A request begins when the step before it has ended. Calls that
 * may run twice begin together, at the end of the answer that asks for them.
 */

import type { AccountId, MessageId } from "../../core/discord/ids.ts";
import { isOwnSession } from "../../core/inbound/inbound.ts";
import {
  type Explanation,
  type KnownFacts,
  toMessage,
  type VerdictCheck,
} from "../../core/inbound/inbox.ts";
import type { ModelUsage, ToolCall } from "../../core/model.ts";
import { type Step, storedSteps, type ToolResult } from "../../core/step.ts";
import type { RefusalReason } from "../../core/turn/tool.ts";
import { TEXT_COMMANDS } from "../../interactions/registry.ts";
import { explainVerdict } from "../../policy/admission.ts";
import {
  accessIn,
  type AccessView,
  type PlacedCheck,
  placedChecks,
  type ReadAccess,
  type RulePlace,
} from "../../cli/verdict/current_rules.ts";
import { knownChannels, type Subject } from "../../cli/verdict/named.ts";
import { lineOf, storedReceipts } from "../../flows/receipts/receipts.ts";
import type { Store } from "../../store/store.ts";
import { TOOLS } from "../../tools/registry.ts";
import { reasonText } from "../../render/failure.ts";
import type { MessageRecord, OutboxOnRecord } from "../../store/messages/messages.ts";

/** A request to the model, or a tool call. Times are Unix times in milliseconds. */
export type TimelineEntry =
  & { readonly startedAt: number; readonly endedAt: number }
  & (
    | {
      readonly kind: "model";
      readonly calls: readonly string[];
      readonly usage?: ModelUsage;
      /** The model that answered, if it was a fallback (L3). */
      readonly modelId?: string;
    }
    | {
      readonly kind: "tool";
      readonly name: string;
      readonly callId: string;
      /** JSON as the model wrote it. */
      readonly arguments: string;
      readonly end: ToolResult["end"];
      /** UTF-16 units of the result. */
      readonly chars: number;
      /** UTF-16 units of it that the last request had room for; absent: all. */
      readonly shownChars?: number;
      /** Why the call was refused; absent if it ran. */
      readonly refused?: RefusalReason;
      /** The reason, if the call failed or its end is unknown. */
      readonly problem?: string;
    }
  );

/** The marks around a reason, which are for the model only. */
const FENCE = /<result boundary="\w+">\n|\n<\/result>/g;

/**
 * Lists the course of a turn, by time of the ends.
 *
 * @param startedAt When the turn began; the first answer may lie before it, in an earlier process.
 */
export function timelineOf(steps: readonly Step[], startedAt: number): readonly TimelineEntry[] {
  const entries: TimelineEntry[] = [];
  let lastEnd = startedAt;
  let answeredAt = startedAt;
  let calls: readonly ToolCall[] = [];
  const begun = new Map<string, number>();
  /** Positions of the results among the entries, in order; of one without a call, -1. */
  const results: number[] = [];
  for (const step of steps) {
    switch (step.kind) {
      case "answer":
        entries.push({
          kind: "model",
          startedAt: Math.min(lastEnd, step.at),
          endedAt: step.at,
          calls: step.calls.map(({ name }) => name),
          usage: step.usage,
          modelId: step.modelId,
        });
        calls = step.calls;
        begun.clear(); // some models use the same ids in each answer
        answeredAt = step.at;
        break;
      case "begun":
        begun.set(step.callId, step.at);
        break;
      case "result": {
        const call = calls.find(({ id }) => id === step.callId);
        results.push(call ? entries.length : -1);
        if (!call) break;
        entries.push({
          kind: "tool",
          startedAt: begun.get(call.id) ?? answeredAt,
          endedAt: step.at,
          name: call.name,
          callId: call.id,
          arguments: call.arguments,
          end: step.end,
          chars: step.text.length,
          refused: step.refused,
          problem: step.end !== "done" ? step.text.replace(FENCE, "") : undefined,
        });
        break;
      }
      case "cut":
        for (const { result, chars } of step.results) {
          const at = results[result] ?? -1;
          const entry = entries[at];
          if (entry?.kind === "tool") entries[at] = { ...entry, shownChars: chars };
        }
        break;
      case "spoken":
        continue; // a person took that time
    }
    lastEnd = step.at;
  }
  return entries;
}

/** All facts about one message, as printed by `--json`. Times are Unix times in milliseconds. */
export interface WhyReport {
  readonly messageId: MessageId;
  /** Set if the argument was another id: of the bot's answer, or of a failure. */
  readonly askedBy?: string;
  /** One per account that received it. */
  readonly decisions: readonly WhyDecision[];
  /** The turn of the message. */
  readonly turn?: MessageRecord["turn"];
  /** The steps of the turn; empty if it called no tool. */
  readonly steps: readonly TimelineEntry[];
  /** The effects of the turn (R15a); absent: it had none. */
  readonly receipts?: string;
  readonly outbox: readonly ReportedRow[];
  /** Runs of passive agents beside the turn; absent: none (N1). */
  readonly runs?: MessageRecord["runs"];
  /** `models.currency` of today, for the money; absent: amounts stand alone (L5). */
  readonly currency?: string;
}

/** A message for Discord, with the guild of its link. */
export interface ReportedRow extends OutboxOnRecord {
  /** Absent for direct messages, and for guilds that the bot does not know. */
  readonly guildId?: string;
}

export interface WhyDecision extends Outcome {
  readonly accountId: AccountId;
  readonly at: number;
  /** Absent if the facts or the policy of that time are not recorded. */
  readonly checks?: readonly PlacedCheck[];
  /** The missing part of the record. */
  readonly missing?: "facts" | "policy";
  /** The verdict of this version for the same facts and policy, if it differs from the record. */
  readonly thisVersion?: Outcome;
  /** The verdict of today, if it differs. */
  readonly now?: Outcome & { readonly checks: readonly PlacedCheck[] };
  /** For links. */
  readonly guildId?: string;
}

/** A verdict with its explanation and the place of its rule. */
export interface Outcome {
  readonly verdict: string;
  readonly why: string;
  /** The reason as a sentence. */
  readonly words: string;
  /** Config path of its rule. */
  readonly rule: string;
  /** Place of the rule. */
  readonly place?: RulePlace;
}

type StoredDecision = MessageRecord["decisions"][number];
/**
 * Reads the record of a message, and the report on it.
 *
 * @param today The current rules; absent: the report has no verdict of today.
 * @returns `undefined` if nothing is on record.
 */
export async function recordedReport(
  store: Store,
  subject: Exclude<Subject, { kind: "problem" }>,
  today?: ReadAccess,
): Promise<{ readonly record: MessageRecord; readonly report: WhyReport } | undefined> {
  const record = await store.messages.messageRecordOf(
    subject.kind === "failure"
      ? { failureId: subject.failureId }
      : { messageId: subject.messageId },
  );
  if (!record) return undefined;
  const { messageId, decisions, turn, outbox, runs } = record;
  const turnOf = turn?.turnOf ?? messageId;
  const steps = await store.turns.stepsOf(turnOf);
  const [place] = [...decisions, ...outbox];
  const receipts = place &&
    lineOf(await storedReceipts({ accountId: place.accountId, store }, TOOLS, turnOf, place));
  const explained: WhyDecision[] = [];
  for (const decision of decisions) explained.push(await toWhyDecision(decision, today));
  const rows: ReportedRow[] = [];
  for (const row of outbox) {
    const { accountId, channelId } = row;
    const guildId = explained.find((other) => other.accountId === accountId)?.guildId ??
      (row.messageId &&
        (await knownChannels(store, [accountId])).find(({ id }) => id === channelId)?.guildId);
    rows.push({ ...row, guildId });
  }
  const course = timelineOf(storedSteps(steps).own, turn?.claimedAt ?? Infinity);
  const timeline = turn && isOwnSession(turn.sessionKey) ? course.map(withoutWords) : course;
  const report = {
    messageId,
    askedBy: askedBy(subject, messageId),
    decisions: explained,
    turn,
    steps: timeline,
    receipts,
    outbox: rows,
    runs,
    currency: today?.config.models.currency,
  };
  return { record, report };
}

function askedBy(
  subject: Exclude<Subject, { kind: "problem" }>,
  messageId: MessageId,
): string | undefined {
  if (subject.kind === "failure") return `Error ${subject.failureId}`;
  return subject.messageId === messageId ? undefined : `The bot's answer ${subject.messageId}`;
}

const SIGN_IN = /the server refuses Barnacle[^:;]*: [^:;]*|the person said no, or did not answer/;

/** A step of a turn with a person's own account: it shows only how their sign-in went (T13a). */
function withoutWords(entry: TimelineEntry): TimelineEntry {
  if (entry.kind === "model") return entry;
  const problem = entry.problem && (SIGN_IN.exec(entry.problem)?.[0] ?? "failed");
  return { ...entry, arguments: "", problem };
}

async function toWhyDecision(
  decision: StoredDecision,
  today: ReadAccess | undefined,
): Promise<WhyDecision> {
  const { accountId, verdict, why, rule, at, facts, policy } = decision;
  const view = policy &&
    (await accessIn(policy, () => policy.names)).find((other) => other.accountId === accountId);
  const common = {
    accountId,
    at,
    ...outcomeOf({ kind: verdict, why, rule }, view),
    guildId: facts?.guildId,
  };
  if (!facts) return { ...common, missing: "facts" };
  const now = nowOf(decision, today);
  if (!view) return { ...common, missing: "policy", now };

  const again = explainAgain(decision, view, facts.knownFacts);
  const last = again && laterCheck(again.verdict, decision);
  const agrees = again && (last !== undefined || isSame(again.verdict, decision));
  return {
    ...common,
    checks: again
      ? placedChecks({ checks: last ? [...again.checks, last] : again.checks }, view.placeOf)
      : undefined,
    thisVersion: again && !agrees ? outcomeOf(again.verdict, view) : undefined,
    now,
  };
}

function explainAgain(
  { facts, messageId, accountId }: StoredDecision,
  { policy }: AccessView,
  known: KnownFacts,
): Explanation | undefined {
  if (!facts) return undefined;
  const message = toMessage(facts, { id: messageId, accountId });
  return explainVerdict({ kind: "message", message }, known, policy, TEXT_COMMANDS);
}

/** The verdict by the current config and pairings. */
function nowOf(decision: StoredDecision, today: ReadAccess | undefined): WhyDecision["now"] {
  const { accountId, authorId, facts } = decision;
  const view = today?.views.find((other) => other.accountId === accountId);
  if (!facts || !today || !view) return undefined;
  const known = { ...facts.knownFacts, isPaired: today.isPaired(accountId, authorId) };
  const again = explainAgain(decision, view, known);
  if (!again || isSame(again.verdict, decision)) return undefined;
  // A refusal for another reason than the policy's would repeat itself; an admission may not.
  if (laterCheck(again.verdict, decision)?.passed === false) return undefined;
  return { ...outcomeOf(again.verdict, view), checks: placedChecks(again, view.placeOf) };
}

interface ShownVerdict {
  readonly kind: string;
  readonly why: string;
  readonly rule: string;
}

function outcomeOf({ kind, why, rule }: ShownVerdict, view: AccessView | undefined): Outcome {
  const place = view?.placeOf(rule);
  return { verdict: kind, why, words: reasonText(why), rule, place };
}

function isSame(verdict: ShownVerdict, decision: StoredDecision): boolean {
  return verdict.kind === decision.verdict && verdict.why === decision.why;
}

/** What may follow on a verdict of the policy, by facts that the policy does not have. */
const UNPAIRED = ["challenge"];
const ANY = ["accept", "challenge", "undecided"];

const LATER: Readonly<
  Record<string, readonly [check: string, after: readonly string[], fact: string]>
> = {
  "dm-paired": ["paired", UNPAIRED, "the sender was paired at that time"],
  "pairing": ["paired", UNPAIRED, "the sender was not paired, and got a new code"],
  "pairing-pending": ["paired", UNPAIRED, "the sender was not paired, and had a valid code"],
  "pairing-full": [
    "paired",
    UNPAIRED,
    "the sender was not paired, and too many requests were open for a new code",
  ],
  "pairing-denied": [
    "paired",
    UNPAIRED,
    "the sender was not paired, and was denied within the last hour",
  ],
  "too-old": [
    "age",
    ANY,
    "found when the bot came back, and too old to answer; within a day, the sender gets a reaction (X4)",
  ],
  "too-many": [
    "age",
    ANY,
    "found when the bot came back, with too many newer messages; the sender gets a reaction (X4)",
  ],
  "queue-full": [
    "queue",
    ANY,
    "as many turns were waiting as this limit allows; the sender gets a reaction once a minute (X4)",
  ],
  "pk-original": [
    "pluralkit",
    ["accept", "undecided"],
    "PluralKit reposted it in a member's name",
  ],
};

/** The check that led from the policy's verdict to the recorded one, if there is one. */
function laterCheck(
  verdict: ShownVerdict,
  { why, rule }: StoredDecision,
): VerdictCheck | undefined {
  const [id, after, fact] = Object.hasOwn(LATER, why) ? LATER[why] ?? [] : [];
  if (id === undefined || fact === undefined || !after?.includes(verdict.kind)) return undefined;
  return { id, passed: why === "dm-paired", fact, rule };
}
