/**
 * Bounds the destructive actions of a turn: for more, a person must say "Go on" (T3).
 *
 * One question is for all actions of an answer that are above the limit. The next answer that needs
 * more of them asks again.
 *
 * @module
 */

import type { AccountId, UserId } from "../../../../core/discord/ids.ts";
import { ALLOW_ONCE, type Decision, DENY } from "../../../../core/people/question.ts";
import type { LimitPort } from "../../../../core/turn/ports/discord_place.ts";
import { notice, type Texts } from "../../../../render/notices/notices.ts";
import { factsOf } from "../../../questions/people.ts";
import { type RefusalReason, RefusedCall } from "../../../../core/refused_call.ts";
import type { ToolChanges } from "../../../../core/store/changes.ts";

/** The dependencies of the limit. */
export interface LimitOptions {
  /** The account. */
  readonly accountId: AccountId;
  /** Changes by the tool `discord`, with the way to take each back. */
  readonly changes: Pick<ToolChanges, "madeBy">;
  /** Maximum number of destructive actions of a turn: `tools.discord.maxDestructive`. */
  readonly maxDestructive: () => number;
  /** The bot's owners who can get messages. */
  readonly ownerIds: () => Promise<readonly UserId[]>;
  /** Milliseconds until a question expires. */
  readonly approvalTimeoutMs: () => number;
  /** Current texts. */
  readonly texts: () => Texts;
}

/** Creates the limit of one account. */
export function createLimit(
  { accountId, changes, maxDestructive, ownerIds, approvalTimeoutMs, texts }: LimitOptions,
): LimitPort {
  return {
    async question({ message, callKey }, waiting) {
      const keys = waiting.map((one) => one.callKey);
      const made = await changes.madeBy(accountId, message.id, keys);
      const above = waiting.slice(Math.max(0, maxDestructive() - made));
      if (!above.some((one) => one.callKey === callKey)) return undefined;
      const asker = message.sender.id;
      const owners = await ownerIds().catch(() => []); // the asker alone can decide, too
      return {
        kind: "limit",
        tool: "discord",
        text: notice("limitAsked", { count: `${made + waiting.length}` }, texts()),
        facts: factsOf(message),
        exact: above.map(({ line }) => line).join("\n"),
        choices: [
          { key: ALLOW_ONCE, label: notice("goOn", {}, texts()), style: "danger" },
          { key: DENY, style: "secondary" },
        ],
        asked: [asker, ...owners.filter((id) => id !== asker)],
        mentioned: [asker],
        covers: above.map((one) => one.callKey).filter((key) => key !== callKey),
        where: "channel",
        timeoutMs: approvalTimeoutMs(),
      };
    },
  };
}

/** Whether a person has let the turn go on. */
export function mayGoOn(decision: Decision | undefined): boolean {
  return decision?.kind === "answered" && decision.about === "limit" &&
    decision.answer.choice === ALLOW_ONCE;
}

/** The reason for metrics; a person was asked, unless nothing is decided. */
function reasonOf(decision: Decision | undefined): RefusalReason {
  if (decision === undefined) return "max_destructive";
  return decision.kind === "answered" ? "declined" : decision.kind;
}

/** Why a turn may make no more changes. */
export function stoppedAt(most: number, decision: Decision | undefined): Error {
  const why = decision === undefined || decision.kind === "withdrawn"
    ? "a person must approve further ones: tell them what is left to do, and let them ask for it in " +
      "a new message"
    : decision.kind === "expired"
    ? "a person was asked about further ones, and did not answer in time"
    : "a person was asked about further ones, and said no";
  return new RefusedCall(
    reasonOf(decision),
    `this turn may make ${most} destructive changes by itself; ${why}`,
  );
}
