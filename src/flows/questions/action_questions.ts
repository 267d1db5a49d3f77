/**
 * Asks people about actions of the tool `discord`: about an action that shows words to others (T4),
 * and about actions that cannot be undone, or are more than a turn may make by itself (T3).
 *
 * The rights and the effect of an action depend on its target. So the action runs as a probe first: it
 * reads what it needs, and ends before its first change.
 */

import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { UserId } from "../../core/discord/ids.ts";
import { ALLOW_ONCE, DENY, type Question } from "../../core/people/question.ts";
import {
  askerFacts,
  namedFacts,
  type ProbedChange,
  ProbeEnded,
} from "../../core/turn/decided_action.ts";
import type {
  LimitPort,
  ReadersPort,
  SeenCall,
  WaitingAction,
} from "../../core/turn/ports/discord_place.ts";
import { GO_ON, SEND_ASKED } from "../../render/sentences.ts";
import type { Account } from "../../core/account/account.ts";
import type { ToolChanges } from "../../store/changes/changes.ts";

export function createActionQuestions(
  { accountId, store: { changes } }: Pick<
    Account<{ readonly changes: Pick<ToolChanges, "madeBy"> }>,
    "accountId" | "store"
  >,
  { maxDestructive, ownerIds, approvalTimeoutMs }: {
    /** Maximum number of destructive actions of a turn: `tools.discord.maxDestructive`. */
    readonly maxDestructive: () => number;
    /** The bot's owners who can get messages. */
    readonly ownerIds: () => Promise<readonly UserId[]>;
    /** Milliseconds until a question expires. */
    readonly approvalTimeoutMs: () => number;
  },
): { readonly readers: ReadersPort; readonly limit: LimitPort } {
  /** The asker alone decides, and Discord names each channel only to people who see it. */
  const askerOnly = (message: InboundMessage): Omit<Question, "facts" | "text" | "tool"> => ({
    kind: "limit",
    choices: [
      { key: ALLOW_ONCE, label: GO_ON, style: "danger" },
      { key: DENY, style: "secondary" },
    ],
    asked: [message.sender.id],
    where: "channel",
    timeoutMs: approvalTimeoutMs(),
  });

  return {
    readers: {
      reading: (message, { shownIn, channelId }) => ({
        ...askerOnly(message),
        tool: "discord",
        text: `Not everyone who reads <#${shownIn}> may read <#${channelId}>. Show it in ` +
          `<#${shownIn}>?`,
        facts: askerFacts(message),
      }),
      acting: (message, calls) => ({
        ...askerOnly(message),
        tool: calls[0]?.name ?? "",
        text: SEND_ASKED,
        facts: [
          ...namedFacts(calls.flatMap(namesOf)),
          ...namedFacts(
            calls.flatMap(({ at }) => at.kind === "everyone" && at.by || []),
            "Asks by",
          ),
          ...askerFacts(message),
        ],
        exact: calls.map((one) => `${one.name} ${one.written}`).join("\n"),
        covers: calls.slice(1).map(({ callKey }) => callKey),
      }),
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
            ? "This, or a part of it, cannot be undone. Shall I do it?"
            : `That would be ${made + waiting.length} destructive changes for one message. ` +
              "Go on with these?",
          facts: [...namedFacts(asked.flatMap(({ named }) => named)), ...askerFacts(message)],
          exact: asked.map((one) => one.change.what).join("\n"),
          choices: [
            { key: ALLOW_ONCE, label: GO_ON, style: "danger" },
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

function namesOf({ at, named }: SeenCall): readonly string[] {
  return at.kind === "channel" && at.id ? [`<#${at.id}>`, ...named] : named;
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
