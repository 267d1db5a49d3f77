/**
 * Lets people allow an action that is refused only because its asker lacks a right (T11): owners of
 * the bot, and people who could do it themselves.
 *
 * The rights of an action depend on its target. So the action runs as a probe first: it reads what it
 * needs, and ends before its first change.
 *
 * @module
 */

import { describeMissing, type Missing } from "../../../../core/rights/rights.ts";
import type { UserId } from "../../../../core/discord/ids.ts";
import { ALLOW_ONCE, type Decision, DENY } from "../../../../core/people/question.ts";
import type { EscalationPort } from "../../../../core/turn/ports/discord_place.ts";
import { notice, type Texts } from "../../../../render/notices/notices.ts";
import { factsOf } from "../../../questions/people.ts";
import { RefusedCall } from "../../../../core/refused_call.ts";

/** The asker of an action lacks a right. */
export class LacksRight extends RefusedCall {
  /** Name of the error class, as logs show it. */
  override name = "LacksRight";
  /** The missing right. */
  readonly missing: Missing;

  /** Says which right is missing; `decision` is absent before a person with it has decided. */
  constructor(missing: Missing, decision: Decision | undefined) {
    const who = isAllowed(decision) ? "the person who allowed it" : "the person who asks";
    super(
      missing.kind,
      `${who} may not do that there: ${describeMissing(missing, "asker")}${refusalOf(decision)}`,
    );
    this.missing = missing;
  }
}

/** A probe has come to its first change: the asker has all rights so far. */
export class ProbeEnded extends Error {
  /** Name of the error class, as logs show it. */
  override name = "ProbeEnded";
}

/** The dependencies of escalation. */
export interface EscalationOptions {
  /** Whether owners are asked: `approvals.escalate`. */
  readonly escalates: () => boolean;
  /** The bot's owners who can get messages. */
  readonly ownerIds: () => Promise<readonly UserId[]>;
  /** Milliseconds until a question expires. */
  readonly approvalTimeoutMs: () => number;
  /** Current texts. */
  readonly texts: () => Texts;
}

/** Lacks that an owner can make up for. No one can give a role of an integration, for example. */
const ESCALATED: ReadonlySet<Missing["kind"]> = new Set([
  "permission",
  "rank",
  "role_rank",
  "bits",
  "not_theirs",
]);

/** Creates the escalation of one account. */
export function createEscalation(
  { escalates, ownerIds, approvalTimeoutMs, texts }: EscalationOptions,
): EscalationPort {
  return {
    async question(call, written, probe) {
      if (!escalates()) return undefined;
      const missing = await lackOf(probe);
      if (!missing) return undefined;
      // A card in the channel asks others, if the owners are not known now.
      const owners = await ownerIds().catch(() => []);
      const words = describeMissing(missing, "asker");
      return {
        kind: "escalation",
        tool: "discord",
        text: notice("escalatedAction", { missing: words }, texts()),
        facts: factsOf(call.message),
        exact: written,
        choices: [{ key: ALLOW_ONCE, style: "success" }, { key: DENY, style: "danger" }],
        asked: owners.filter((id) => id !== call.message.sender.id),
        mentioned: [],
        forHolders: true,
        where: "both",
        timeoutMs: approvalTimeoutMs(),
      };
    },
  };
}

/** The right that an action lacks; `undefined` if it lacks none, or fails for another reason. */
async function lackOf(probe: () => Promise<unknown>): Promise<Missing | undefined> {
  try {
    await probe();
  } catch (error) {
    if (error instanceof LacksRight && ESCALATED.has(error.missing.kind)) return error.missing;
  }
  return undefined;
}

/** Whether a person has allowed this call in place of its asker. */
export function isAllowed(decision: Decision | undefined): boolean {
  return decision?.kind === "answered" && decision.about === "escalation" &&
    decision.answer.choice === ALLOW_ONCE;
}

/**
 * The person who has allowed this call by their own rights, which must hold when it runs;
 * `undefined` if an owner has allowed it, or no one.
 */
export function holderOf(decision: Decision | undefined): UserId | undefined {
  return isAllowed(decision) && decision?.kind === "answered" && decision.answer.byRight
    ? decision.by
    : undefined;
}

function refusalOf(decision: Decision | undefined): string {
  switch (decision?.kind) {
    case undefined:
      return "";
    case "answered":
      return decision.about === "escalation" && !isAllowed(decision)
        ? "; a person who may allow it was asked, and said no"
        : "";
    case "expired":
    case "withdrawn":
      return "; no one has allowed it";
  }
}
