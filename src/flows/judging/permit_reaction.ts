/**
 * Decides which reactions the agent learns of, before anything of them is kept (H5, P10, P16).
 *
 * The gateway's handler waits for nothing. So if a permission depends on a fact of the store, the
 * transaction that keeps the reaction checks that fact.
 */

import type { BotAccount } from "../../account/account.ts";
import { isOurs } from "../../account/bot.ts";
import type { KnownFacts } from "../../core/inbound/verdict.ts";
import type { PermittedReaction, Reaction } from "../../core/inbound/events.ts";
import { labelOf } from "../../core/inbound/transcript.ts";

/**
 * Judges a reaction by the current policy; `undefined` if it does not permit it. A removed reaction
 * counts if the added one was kept: Discord does not tell the roles of its person, by which the
 * policy would judge again.
 */
export function permitReaction(
  account: BotAccount,
  reaction: Reaction,
): PermittedReaction | undefined {
  const { change, channelId, messageId, sender, emoji } = reaction;
  const onlyIf = conditionsOf(account, reaction);
  if (!onlyIf) return undefined;
  const tag = labelOf(sender);
  return { change, channelId, messageId, userId: sender.id, tag, emoji, onlyIf };
}

function conditionsOf(
  { policy, bot }: BotAccount,
  { change, on, place, channelId, sender }: Reaction,
): PermittedReaction["onlyIf"] | undefined {
  if (change === "removed") return { isKnown: true };
  if (isOurs(bot, sender.id)) return undefined;
  const accepts = (author: "own" | "other", facts: KnownFacts): boolean => {
    const event = { kind: "reaction" as const, place, channelId, sender, on: author };
    return policy().authorize(event, facts).kind === "accept";
  };
  const authors = on === "unknown" ? ["other", "own"] as const : [on];
  for (const author of authors) {
    const isOwn = on === "unknown" && author === "own" && { isOwn: true as const };
    if (accepts(author, { isPaired: false })) return { ...isOwn };
    if (place.kind !== "guild" && accepts(author, { isPaired: true })) {
      return { ...isOwn, isPaired: true };
    }
  }
  return undefined;
}
