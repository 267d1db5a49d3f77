/**
 * What is on record of a message, judged again so that each check can be shown (P1).
 *
 * A decision keeps its facts and the policy of its time. The same engine over both says what was
 * said then; over today's policy it says what would be said now. Where the engine does not come to
 * what is on record, it is another version's, and that is said rather than explained away.
 *
 * @module
 */

import type { Check, Explanation } from "../../core/inbound/facts.ts";
import { toMessage } from "../../core/inbound/facts.ts";
import type { AccountId, MessageId, UserId } from "../../core/discord/ids.ts";
import type { KnownFacts } from "../../core/inbound/known_facts.ts";
import { explain } from "../../policy/authorize.ts";
import type { MessageRecord } from "../../store/received/message_record.ts";
import { type AccessView, type ConfigSource, type RulePlace } from "../verdict/rules_with_lines.ts";
import { type PlacedCheck, placedChecks } from "../verdict/checks.ts";
import { reasonText } from "../verdict/reasons.ts";

/** All that is known of one message, for people and for programs. Times are Unix times in ms. */
export interface WhyReport {
  /** The message that a person wrote. */
  readonly messageId: MessageId;
  /** Set where something else was asked about: our own message that answers it, or a failure. */
  readonly askedBy?: string;
  /** One for each account that got it. */
  readonly decisions: readonly WhyDecision[];
  readonly turn?: MessageRecord["turn"];
  readonly outbox: MessageRecord["outbox"];
}

/** What an account made of it. */
export interface WhyDecision extends Outcome {
  readonly accountId: AccountId;
  readonly at: number;
  /** Absent where the facts or the policy of that time are not on record. */
  readonly checks?: readonly PlacedCheck[];
  readonly missing?: "facts" | "policy";
  /** What this version says of the same facts and the same policy, where that is not on record. */
  readonly thisVersion?: Outcome;
  /** What would be said now, where that is something else. */
  readonly now?: Outcome & { readonly checks: readonly PlacedCheck[] };
  /** For a link. */
  readonly guildId?: string;
}

/** A verdict with its words and its place. */
export interface Outcome {
  readonly verdict: string;
  readonly why: string;
  readonly words: string;
  readonly rule: string;
  readonly place?: RulePlace;
}

/** What today is like. */
export interface Today {
  readonly views: readonly AccessView[];
  isPaired(accountId: AccountId, userId: UserId): boolean;
}

export interface WhyPorts {
  /** The accounts' rules in a text of then. */
  readonly viewsOf: (policy: StoredPolicy) => Promise<readonly AccessView[]>;
  /** Absent where the config of today cannot be read. */
  readonly today?: Today;
}

type StoredDecision = MessageRecord["decisions"][number];
type StoredPolicy = NonNullable<StoredDecision["policy"]> & ConfigSource;

/** @param askedBy What was asked, where it is not the message's own id. */
export async function reportOf(
  { messageId, decisions, turn, outbox }: MessageRecord,
  askedBy: string | undefined,
  ports: WhyPorts,
): Promise<WhyReport> {
  const explained: WhyDecision[] = [];
  for (const decision of decisions) explained.push(await toWhyDecision(decision, ports));
  return {
    messageId,
    ...(askedBy !== undefined && { askedBy }),
    decisions: explained,
    ...(turn && { turn }),
    outbox,
  };
}

async function toWhyDecision(decision: StoredDecision, ports: WhyPorts): Promise<WhyDecision> {
  const { accountId, verdict, why, rule, at, facts, policy } = decision;
  const view = policy && (await ports.viewsOf(policy)).find((one) => one.accountId === accountId);
  const common = {
    accountId,
    at,
    ...outcomeOf({ kind: verdict, why, rule }, view),
    ...(facts?.guildId !== undefined && { guildId: facts.guildId }),
  };
  if (!facts) return { ...common, missing: "facts" };
  const now = nowOf(decision, ports.today);
  if (!view) return { ...common, missing: "policy", ...(now && { now }) };

  const again = explainAgain(decision, view, facts.moment);
  const last = again && laterCheck(again.verdict, decision);
  const agrees = again && (last !== undefined || isSame(again.verdict, decision));
  return {
    ...common,
    ...(again && {
      checks: placedChecks({ checks: last ? [...again.checks, last] : again.checks }, view.placeOf),
    }),
    ...(again && !agrees && { thisVersion: outcomeOf(again.verdict, view) }),
    ...(now && { now }),
  };
}

function explainAgain(
  { facts, messageId, accountId }: StoredDecision,
  { policy }: AccessView,
  moment: KnownFacts,
): Explanation | undefined {
  if (!facts) return undefined;
  const message = toMessage(facts, { id: messageId, accountId });
  return explain({ kind: "message", message }, moment, policy);
}

/** Of the config and the pairings as they are now. */
function nowOf(decision: StoredDecision, today: Today | undefined): WhyDecision["now"] {
  const { accountId, authorId, facts } = decision;
  const view = today?.views.find((one) => one.accountId === accountId);
  if (!facts || !today || !view) return undefined;
  const moment = { ...facts.moment, isPaired: today.isPaired(accountId, authorId) };
  const again = explainAgain(decision, view, moment);
  if (!again || isSame(again.verdict, decision)) return undefined;
  // What was refused for another reason than the policy's would be so again; what was let in may not.
  if (laterCheck(again.verdict, decision)?.passed === false) return undefined;
  return { ...outcomeOf(again.verdict, view), checks: placedChecks(again, view.placeOf) };
}

interface Said {
  readonly kind: string;
  readonly why: string;
  readonly rule: string;
}

function outcomeOf({ kind, why, rule }: Said, view: AccessView | undefined): Outcome {
  const place = view?.placeOf(rule);
  return { verdict: kind, why, words: reasonText(why), rule, ...(place && { place }) };
}

function isSame(
  verdict: Pick<Said, "kind" | "why">,
  decision: Pick<StoredDecision, "verdict" | "why">,
): boolean {
  return verdict.kind === decision.verdict && verdict.why === decision.why;
}

/** What is decided behind the policy's back, by facts that it does not have. */
interface Later {
  readonly id: string;
  /** What the policy had said. */
  readonly after: readonly string[];
  readonly passed: boolean;
  readonly fact: string;
}

const LATER: Readonly<Record<string, Later>> = {
  "dm-paired": {
    id: "paired",
    after: ["challenge"],
    passed: true,
    fact: "they were paired when they wrote",
  },
  "pairing": {
    id: "paired",
    after: ["challenge"],
    passed: false,
    fact: "they were not paired and had no code, so one was made",
  },
  "pairing-pending": {
    id: "paired",
    after: ["challenge"],
    passed: false,
    fact: "they were not paired, and had a code that was still good",
  },
  "pairing-full": {
    id: "paired",
    after: ["challenge"],
    passed: false,
    fact: "they were not paired, and too many strangers asked at once for another code",
  },
  "pairing-denied": {
    id: "paired",
    after: ["challenge"],
    passed: false,
    fact: "they were not paired; somebody had denied them within the hour",
  },
  "too-old": {
    id: "age",
    after: ["accept", "challenge", "undecided"],
    passed: false,
    fact: "it was found when the bot came back, and was older than it answers",
  },
  "too-many": {
    id: "age",
    after: ["accept", "challenge", "undecided"],
    passed: false,
    fact: "it was found when the bot came back, behind as many newer ones as it answers",
  },
  "pk-original": {
    id: "pluralkit",
    after: ["accept", "undecided"],
    passed: false,
    fact: "PluralKit has said it again in the name of a member",
  },
};

/** The check that led from the policy's verdict to the one on record; none, if none does. */
function laterCheck(verdict: Said, { why, rule }: StoredDecision): Check | undefined {
  const later = Object.hasOwn(LATER, why) ? LATER[why] : undefined;
  if (!later?.after.includes(verdict.kind)) return undefined;
  const { id, passed, fact } = later;
  return { id, passed, fact, rule };
}
