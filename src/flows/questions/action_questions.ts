/**
 * Asks people about actions of the tool `discord`: about an action that shows words to others (T4),
 * and about actions that cannot be undone, or are more than a turn may make by itself (T3).
 *
 * The rights and the effect of an action depend on its target. So the action runs as a probe first: it
 * reads what it needs, and ends before its first change.
 */

import { ALLOW_ONCE, DENY, type Question } from "../../core/people/question.ts";
import {
  askerFacts,
  namedFacts,
  type ProbedChange,
  ProbeEnded,
} from "../../core/turn/discord_place.ts";
import type {
  DiscordCall,
  HiddenChannel,
  SeenCall,
  WaitingAction,
} from "../../core/turn/discord_place.ts";
import { GO_ON, SEND_ASKED } from "../../render/sentences.ts";
import { ownersToTell } from "../owners/owner_ids.ts";

/** A card in the channel of the question; Discord names each channel only to people who see it. */
function questionTo(
  { account, message }: DiscordCall,
  about: Partial<Question> & { readonly tool: string; readonly text: string },
): Question {
  return {
    kind: "limit",
    choices: [
      { key: ALLOW_ONCE, label: GO_ON, style: "danger" },
      { key: DENY, style: "secondary" },
    ],
    asked: [message.sender.id],
    where: "channel",
    timeoutMs: account.config().discord.execApprovals.timeoutSec * 1_000,
    ...about,
    facts: [...about.facts ?? [], ...askerFacts(message)],
  };
}

/** The question to the asker about a call that would show words of a channel. */
export function reading(call: DiscordCall, { shownIn, channelId }: HiddenChannel): Question {
  return questionTo(call, {
    tool: "discord",
    text:
      `Not everyone who reads <#${shownIn}> may read <#${channelId}>. Show it in <#${shownIn}>?`,
  });
}

/** The question to the asker about calls whose effects others see: all at one place. */
export function acting(call: DiscordCall, calls: readonly SeenCall[]): Question {
  return questionTo(call, {
    tool: calls[0]?.name ?? "",
    text: SEND_ASKED,
    facts: [
      ...namedFacts(calls.flatMap(namesOf)),
      ...namedFacts(calls.flatMap(({ at }) => at.kind === "everyone" && at.by || []), "Asks by"),
    ],
    exact: calls.map((one) => `${one.name} ${one.written}`).join("\n"),
    covers: calls.slice(1).map(({ callKey }) => callKey),
  });
}

/**
 * What a person must decide before a destructive action; `undefined` if it may run. One question is for
 * all actions of an answer that need one.
 *
 * @param waiting The destructive actions of the same answer without a result, in order.
 */
export async function destructiveQuestion(
  call: DiscordCall,
  waiting: readonly WaitingAction[],
): Promise<Question | undefined> {
  const { account, message, callKey } = call;
  const own = waiting.find((one) => one.callKey === callKey);
  const change = own && await changeOf(own);
  if (!own || !change) return undefined; // it can only fail, and tells why
  const keys = waiting.map((one) => one.callKey);
  const made = await account.store.changes.madeBy(account.accountId, message.id, keys);
  const { maxDestructive } = account.config().tools.discord;
  const above = waiting.slice(Math.max(0, maxDestructive - made));
  if (!change.asks && !above.includes(own)) return undefined;
  const asked: (WaitingAction & { readonly change: ProbedChange })[] = [];
  for (const one of waiting) {
    const itsChange = one === own ? change : await changeOf(one);
    if (itsChange && (itsChange.asks || above.includes(one))) {
      asked.push({ ...one, change: itsChange });
    }
  }
  const asker = message.sender.id;
  const owners = await ownersToTell(account).catch(() => []); // the asker alone can decide, too
  return questionTo(call, {
    tool: "discord",
    text: asked.some((one) => one.change.asks)
      ? "This, or a part of it, cannot be undone. Shall I do it?"
      : `That would be ${made + waiting.length} destructive changes for one message. ` +
        "Go on with these?",
    facts: namedFacts(asked.flatMap(({ named }) => named)),
    exact: asked.map((one) => one.change.what).join("\n"),
    asked: [asker, ...owners.filter((id) => id !== asker)],
    mentioned: [asker],
    covers: asked.map((one) => one.callKey).filter((key) => key !== callKey),
  });
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
