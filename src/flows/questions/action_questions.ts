/**
 * Asks people about actions of the tool `discord`: about an action that its asker has no right to
 * (T11), and about actions that cannot be undone, or are more than a turn may make by itself (T3).
 *
 * The rights and the effect of an action depend on its target. So the action runs as a probe first: it
 * reads what it needs, and ends before its first change.
 */

import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { UserId } from "../../core/discord/ids.ts";
import { ALLOW_ONCE, DENY, type Question } from "../../core/people/question.ts";
import { describeMissing, type MissingRight } from "../../core/rights/rights.ts";
import {
  askerFacts,
  LacksRight,
  namedFacts,
  type ProbedChange,
  ProbeEnded,
} from "../../core/turn/decided_action.ts";
import type {
  EscalationPort,
  LimitPort,
  WaitingAction,
} from "../../core/turn/ports/discord_place.ts";
import type { ToolTarget } from "../../core/turn/ports/discord_call.ts";
import { notice } from "../../render/notices/notices.ts";
import type { Account } from "../../core/account/account.ts";
import type { ToolChanges } from "../../store/changes/changes.ts";

/** Lacks that a person can make up for. No one can give a role of an integration, for example. */
const ESCALATED: ReadonlySet<MissingRight["kind"]> = new Set([
  "permission",
  "rank",
  "role_rank",
  "bits",
  "not_theirs",
  "readers",
]);

/** Creates the questions of one account. The function is longer than most: a list of three cards. */
export function createActionQuestions(
  { accountId, store: { changes }, texts }: Pick<
    Account<{ readonly changes: Pick<ToolChanges, "madeBy"> }>,
    "accountId" | "store" | "texts"
  >,
  { escalates, checksIn, maxDestructive, ownerIds, approvalTimeoutMs }: {
    /** Whether owners are asked: `approvals.escalate`. */
    readonly escalates: () => boolean;
    /** Whether people check answers to this asker there (A5). */
    readonly checksIn: (target: ToolTarget, asker: InboundMessage) => boolean;
    /** Maximum number of destructive actions of a turn: `tools.discord.maxDestructive`. */
    readonly maxDestructive: () => number;
    /** The bot's owners who can get messages. */
    readonly ownerIds: () => Promise<readonly UserId[]>;
    /** Milliseconds until a question expires. */
    readonly approvalTimeoutMs: () => number;
  },
): { readonly escalation: EscalationPort; readonly limit: LimitPort } {
  /** The asker alone decides, and Discord names each channel only to people who see it. */
  const showIn = (
    message: InboundMessage,
    { channelId, shownIn }: Extract<MissingRight, { readonly kind: "readers" }>,
  ): Question => ({
    kind: "limit",
    tool: "discord",
    text: notice("showAsked", { channel: `<#${channelId}>`, place: `<#${shownIn}>` }, texts()),
    facts: askerFacts(message),
    choices: [
      { key: ALLOW_ONCE, label: notice("goOn", {}, texts()), style: "danger" },
      { key: DENY, style: "secondary" },
    ],
    asked: [message.sender.id],
    where: "channel",
    timeoutMs: approvalTimeoutMs(),
  });

  return {
    escalation: {
      async question({ message }, written, { probe, named, tells }) {
        if (tells?.length === 0 && !escalates()) return undefined;
        const missing = await lackOf(probe);
        const toSend = tells && {
          text: notice("sendAsked", {}, texts()),
          facts: [...namedFacts(named), ...askerFacts(message)],
          exact: written,
          where: checksIn(message, message) ? "direct" as const : "channel" as const,
        };
        if (missing?.kind === "readers") return { ...showIn(message, missing), ...toSend };
        // No one lends the asker their eyes.
        if (!missing || !tells || !escalates()) return undefined;
        // A card in the channel asks others, if the owners are not known now.
        const owners = await ownerIds().catch(() => []);
        const words = describeMissing(missing, "asker");
        return {
          kind: "escalation",
          tool: "discord",
          text: notice("escalatedAction", { missing: words }, texts()),
          facts: [...namedFacts(named), ...askerFacts(message)],
          exact: written,
          choices: [{ key: ALLOW_ONCE, style: "success" }, { key: DENY, style: "danger" }],
          asked: owners.filter((id) => id !== message.sender.id),
          mentioned: [],
          forHolders: true,
          // A card in the channel shows the call, which has words of the model (A5).
          where: checksIn(message, message) ? "direct" : "both",
          timeoutMs: approvalTimeoutMs(),
        };
      },
    },
    // One question is for all actions of an answer that need one.
    limit: {
      async question({ message, callKey }, waiting) {
        const own = waiting.find((one) => one.callKey === callKey);
        const change = own && await changeOf(own);
        if (!own || !change) return undefined; // it can only fail, and tells why
        const made = await changes.madeBy(accountId, message.id, waiting.map((one) => one.callKey));
        const above = waiting.slice(Math.max(0, maxDestructive() - made));
        if (!change.asks && !above.includes(own)) return undefined;
        const asked: (WaitingAction & { readonly change: ProbedChange })[] = [];
        for (const one of waiting) {
          const itsChange = one === own ? change : await changeOf(one);
          if (itsChange && (itsChange.asks || above.includes(one))) {
            asked.push({ ...one, change: itsChange });
          }
        }
        const asker = message.sender.id;
        const owners = await ownerIds().catch(() => []); // the asker alone can decide, too
        const isFinal = asked.some((one) => one.change.asks);
        return {
          kind: "limit",
          tool: "discord",
          text: isFinal
            ? notice("irreversibleAsked", {}, texts())
            : notice("limitAsked", { count: `${made + waiting.length}` }, texts()),
          facts: [...namedFacts(asked.flatMap(({ named }) => named)), ...askerFacts(message)],
          exact: asked.map((one) => one.change.what).join("\n"),
          choices: [
            { key: ALLOW_ONCE, label: notice("goOn", {}, texts()), style: "danger" },
            { key: DENY, style: "secondary" },
          ],
          asked: [asker, ...owners.filter((id) => id !== asker)],
          mentioned: [asker],
          covers: asked.map((one) => one.callKey).filter((key) => key !== callKey),
          where: "channel",
          timeoutMs: approvalTimeoutMs(),
        };
      },
    },
  };
}

/** The destructive change of an action; `undefined` if it would make none, or fails before. */
async function changeOf({ probe }: WaitingAction): Promise<ProbedChange | undefined> {
  try {
    await probe();
    return undefined;
  } catch (error) {
    return error instanceof ProbeEnded ? error.change : undefined;
  }
}

/** The right that an action lacks; `undefined` if it lacks none, or fails for another reason. */
async function lackOf(probe: () => Promise<unknown>): Promise<MissingRight | undefined> {
  try {
    await probe();
  } catch (error) {
    if (error instanceof LacksRight && ESCALATED.has(error.missing.kind)) return error.missing;
  }
  return undefined;
}
