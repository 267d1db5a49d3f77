/**
 * Makes the runs of passive agents beside the messages that their triggers match (N1).
 *
 * A run is stored in the transaction of its message (T1), and its id follows from that message. So a
 * crash neither loses nor repeats it. Whether an active agent answers is decided here, too, and
 * stored with the run.
 */

import type { BotAccount } from "../../account/account.ts";
import { perAccount } from "../../account/per_account.ts";
import { createdAtMs, type MessageId } from "../../core/discord/ids.ts";
import type { PermittedReaction, Reaction } from "../../core/inbound/events.ts";
import {
  ASKED_OTHERWISE,
  type InboundMessage,
  reactionRunIdOf,
  triggeredIdOf,
} from "../../core/inbound/inbound.ts";
import { isAtDiscord } from "../../core/inbound/origin.ts";
import type { Judged } from "../../core/inbound/inbox.ts";
import { routingOf } from "./judge.ts";

/** Maximum number of reactions to remember; at the limit, all are forgotten. */
const MAX_REACTIONS = 1_000;

const NONE: readonly InboundMessage[] = [];

/** Reasons for which no agent may act on a message: it does not count, or asks to be left alone. */
const UNHEARD: ReadonlySet<string> = new Set(["pk-original", "send-off", "own"]);

/** When each of the last reactions caused a run. */
const reactedAt = perAccount("inbox", () => new Map<string, number>());

/** Whether the same person has added that emoji to that message just before. */
function isRepeated(account: BotAccount, key: string): boolean {
  const { policy, now } = account;
  const known = reactedAt(account);
  const last = known.get(key);
  if (last !== undefined && now() - last < policy().policy.dedupWindowMs) return true;
  if (known.size >= MAX_REACTIONS) known.clear();
  known.set(key, now());
  return false;
}

/** Whether another agent, of this account or of another one, may answer the message. */
function isAnswered(account: BotAccount, { message, verdict: { kind } }: Judged): boolean {
  if (kind !== "ignore") return true;
  const { mentioned, accounts } = routingOf(account, message) ?? {};
  return mentioned !== undefined || accounts !== undefined;
}

/** The runs that a judged message causes. Bots cause none, and commands of Barnacle neither. */
export function runsBeside(account: BotAccount, judged: Judged): readonly InboundMessage[] {
  const { message, verdict, policyVerdict, stop, command } = judged;
  const { policy, triggersOf } = account.policy();
  if (policy.passive.length === 0) return NONE;
  const { sender, isAnnouncement } = message;
  const mayCause = sender.automaton === undefined && isAtDiscord(message) && !isAnnouncement &&
    !policyVerdict && !stop && command === undefined && !UNHEARD.has(verdict.why);
  if (!mayCause) return NONE;
  const matches = triggersOf.inMessage(message);
  if (matches.length === 0) return NONE;
  const answered = isAnswered(account, judged) || undefined;
  return matches.map((match): InboundMessage => {
    const id = triggeredIdOf(message.id, match.agentId);
    const run = { ...match, messageId: message.id, isAnswered: answered };
    const origin = { kind: "passive", ...run } as const;
    return { ...message, id, mention: "user", sentAt: createdAtMs(id), origin };
  });
}

/**
 * The runs that a reaction causes. No message asks for them, so no active agent answers: their text
 * is posted.
 */
export function runsOnReaction(
  account: BotAccount,
  reaction: Reaction,
  { onlyIf }: PermittedReaction,
): readonly InboundMessage[] {
  const { change, sender, messageId, emoji, accountId, channelId, guildId, place } = reaction;
  const { policy, triggersOf } = account.policy();
  const isCertain = Object.keys(onlyIf).length === 0;
  if (change !== "added" || sender.automaton || !isCertain) return NONE;
  const matches = policy.passive.length === 0 ? [] : triggersOf.byReaction(reaction);
  const key = [messageId, sender.id, emoji];
  if (matches.length === 0 || isRepeated(account, key.join(" "))) return NONE;
  const at = { accountId, channelId, guildId, place, sender };
  return matches.map((match): InboundMessage => {
    const id = reactionRunIdOf(key, match.agentId, account.now());
    return {
      ...ASKED_OTHERWISE,
      ...at,
      id,
      text: `(reacts with ${emoji})`,
      sentAt: createdAtMs(id),
      origin: { kind: "passive", ...match, messageId },
    };
  });
}

/** The ids of the runs that a message may have caused. */
export function runIdsOf({ policy }: BotAccount, messageId: MessageId): readonly MessageId[] {
  return policy().policy.passive.map(({ agentId }) => triggeredIdOf(messageId, agentId));
}
