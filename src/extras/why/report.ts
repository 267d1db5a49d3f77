/**
 * Reports the record of a message, judged again so that each check can be shown (P1).
 *
 * A decision keeps its facts and the policy of its time. From both, the engine derives the old verdict
 * again; from the current policy, the verdict of today. If the old verdict differs from the record,
 * another version made it. The report says so.
 */

import { TEXT_COMMANDS } from "../../interactions/registry.ts";
import {
  type Explanation,
  type KnownFacts,
  toMessage,
  type VerdictCheck,
} from "../../core/inbound/facts.ts";
import type { AccountId, ChannelId, MessageId, UserId } from "../../core/discord/ids.ts";
import type { ContextFacts } from "../../flows/interactions/conversations.ts";
import type { Step } from "../../core/step.ts";
import { storedSteps } from "../../core/step.ts";
import { lastRequestOf, type TimelineEntry, timelineOf } from "../../core/turn/timeline.ts";
import { isOwnSession } from "../../core/inbound/inbound.ts";
import { explain } from "../../policy/authorize.ts";
import {
  type AccessView,
  type ConfigSource,
  type PlacedCheck,
  placedChecks,
  type RulePlace,
} from "../../cli/verdict/current_rules.ts";
import { reasonText } from "../../render/reasons.ts";
import type { MessageRecord, OutboxOnRecord } from "../../store/messages/message_record.ts";

/** All facts about one message, as printed by `--json`. Times are Unix times in milliseconds. */
export interface WhyReport {
  readonly messageId: MessageId;
  /** Set if the argument was another id: of the bot's answer, or of a failure. */
  readonly askedBy?: string;
  /** One per account that received it. */
  readonly decisions: readonly WhyDecision[];
  /** The turn of the message. */
  readonly turn?: MessageRecord["turn"];
  /** The session of the turn as it is now. */
  readonly session?: SessionNow;
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

/** How much of a session the model sees now. */
export type SessionNow = {
  readonly entries: ContextFacts["entries"];
  readonly tokens: ContextFacts["tokens"];
  readonly folded: ContextFacts["folded"];
};

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

/** The current rules and pairings. */
export interface Today {
  readonly views: readonly AccessView[];
  isPaired(accountId: AccountId, userId: UserId): boolean;
  /** `models.currency`. */
  readonly currency?: string;
}

interface WhyPorts {
  /** Reads the session of a turn as it is now. */
  readonly sessionOf: (sessionKey: string) => Promise<SessionNow>;
  /** Finds the guild of a channel; `undefined` if there is none, or none is known. */
  readonly guildOf: (accountId: AccountId, channelId: ChannelId) => Promise<string | undefined>;
  /** Reads the rules of all accounts from a recorded config. */
  readonly viewsOf: (
    policy: NonNullable<StoredDecision["policy"]> & ConfigSource,
  ) => Promise<readonly AccessView[]>;
  /** Absent if the current config is invalid. */
  readonly today?: Today;
}

type StoredDecision = MessageRecord["decisions"][number];
/**
 * Makes the report.
 *
 * @param steps The stored steps of the message's turn.
 * @param askedBy Names the argument, if it was not the message's own id.
 */
export async function reportOf(
  { messageId, decisions, turn, outbox, runs }: MessageRecord,
  steps: readonly Step[],
  { askedBy, receipts }: {
    readonly askedBy?: string;
    readonly receipts?: string;
  },
  ports: WhyPorts,
): Promise<WhyReport> {
  const explained: WhyDecision[] = [];
  for (const decision of decisions) explained.push(await toWhyDecision(decision, ports));
  const rows: ReportedRow[] = [];
  for (const row of outbox) {
    const { accountId, channelId } = row;
    const guildId = explained.find((other) => other.accountId === accountId)?.guildId ??
      (row.messageId && await ports.guildOf(accountId, channelId));
    rows.push({ ...row, guildId });
  }
  const course = timelineOf(storedSteps(steps).own, turn?.claimedAt ?? Infinity);
  const timeline = turn && isOwnSession(turn.sessionKey) ? course.map(withoutWords) : course;
  const last = turn?.cost && turn.finishedAt !== undefined
    ? lastRequestOf(turn.cost, timeline, turn.finishedAt)
    : undefined;
  return {
    messageId,
    askedBy,
    decisions: explained,
    ...(turn && { turn, session: await ports.sessionOf(turn.sessionKey) }),
    steps: [...timeline, ...last ? [last] : []],
    receipts,
    outbox: rows,
    runs,
    currency: ports.today?.currency,
  };
}

const SIGN_IN = /the server refuses Barnacle[^:;]*: [^:;]*|the person said no, or did not answer/;

/** A step of a turn with a person's own account: it shows only how their sign-in went (T13a). */
function withoutWords(entry: TimelineEntry): TimelineEntry {
  if (entry.kind === "model") return entry;
  const problem = entry.problem && (SIGN_IN.exec(entry.problem)?.[0] ?? "failed");
  return { ...entry, arguments: "", problem };
}

async function toWhyDecision(decision: StoredDecision, ports: WhyPorts): Promise<WhyDecision> {
  const { accountId, verdict, why, rule, at, facts, policy } = decision;
  const view = policy &&
    (await ports.viewsOf(policy)).find((other) => other.accountId === accountId);
  const common = {
    accountId,
    at,
    ...outcomeOf({ kind: verdict, why, rule }, view),
    guildId: facts?.guildId,
  };
  if (!facts) return { ...common, missing: "facts" };
  const now = nowOf(decision, ports.today);
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
  return explain({ kind: "message", message }, known, policy, TEXT_COMMANDS);
}

/** The verdict by the current config and pairings. */
function nowOf(decision: StoredDecision, today: Today | undefined): WhyDecision["now"] {
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

function isSame(
  verdict: ShownVerdict,
  decision: StoredDecision,
): boolean {
  return verdict.kind === decision.verdict && verdict.why === decision.why;
}

/** A decision after the policy's, by facts that the policy does not have. */
interface LaterVerdict extends Omit<VerdictCheck, "rule"> {
  /** Verdicts of the policy that it may follow. */
  readonly after: readonly string[];
}

const LATER: Readonly<Record<string, LaterVerdict>> = {
  "dm-paired": {
    id: "paired",
    after: ["challenge"],
    passed: true,
    fact: "the sender was paired at that time",
  },
  "pairing": {
    id: "paired",
    after: ["challenge"],
    passed: false,
    fact: "the sender was not paired, and got a new code",
  },
  "pairing-pending": {
    id: "paired",
    after: ["challenge"],
    passed: false,
    fact: "the sender was not paired, and had a valid code",
  },
  "pairing-full": {
    id: "paired",
    after: ["challenge"],
    passed: false,
    fact: "the sender was not paired, and too many requests were open for a new code",
  },
  "pairing-denied": {
    id: "paired",
    after: ["challenge"],
    passed: false,
    fact: "the sender was not paired, and was denied within the last hour",
  },
  "too-old": {
    id: "age",
    after: ["accept", "challenge", "undecided"],
    passed: false,
    fact:
      "found when the bot came back, and too old to answer; within a day, the sender gets a reaction (X4)",
  },
  "too-many": {
    id: "age",
    after: ["accept", "challenge", "undecided"],
    passed: false,
    fact:
      "found when the bot came back, with too many newer messages; the sender gets a reaction (X4)",
  },
  "queue-full": {
    id: "queue",
    after: ["accept", "challenge", "undecided"],
    passed: false,
    fact:
      "as many turns were waiting as this limit allows; the sender gets a reaction once a minute (X4)",
  },
  "pk-original": {
    id: "pluralkit",
    after: ["accept", "undecided"],
    passed: false,
    fact: "PluralKit reposted it in a member's name",
  },
};

/** The check that led from the policy's verdict to the recorded one, if there is one. */
function laterCheck(
  verdict: ShownVerdict,
  { why, rule }: StoredDecision,
): VerdictCheck | undefined {
  const later = Object.hasOwn(LATER, why) ? LATER[why] : undefined;
  if (!later?.after.includes(verdict.kind)) return undefined;
  const { id, passed, fact } = later;
  return { id, passed, fact, rule };
}
