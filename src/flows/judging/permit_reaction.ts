/**
 * Decides which reactions the agent learns of, before anything of them is kept (H5, P10, P16).
 *
 * The gateway's handler waits for nothing. So if a permission depends on a fact of the store, the
 * transaction that keeps the reaction checks that fact.
 */

import type { UserId } from "../../core/discord/ids.ts";
import type { KnownFacts } from "../../core/inbound/facts.ts";
import type { PermittedReaction, Reaction } from "../../core/inbound/reactions.ts";
import { labelOf } from "../../core/inbound/transcript.ts";
import type { CurrentPolicy } from "./policy_keeper.ts";

/**
 * Creates the decision for one account. A removed reaction counts if the added one was kept:
 * Discord does not tell the roles of its person, by which the policy would judge again.
 */
export function createPermitReaction(
  { policy, isOurs }: {
    readonly policy: () => CurrentPolicy;
    readonly isOurs: (userId: UserId) => boolean;
  },
): (reaction: Reaction) => PermittedReaction | undefined {
  function accepts(
    { place, channelId, sender }: Reaction,
    on: "own" | "other",
    facts: KnownFacts,
  ): boolean {
    const verdict = policy().authorize({ kind: "reaction", place, channelId, sender, on }, facts);
    return verdict.kind === "accept";
  }

  function conditionsOf(reaction: Reaction): PermittedReaction["onlyIf"] | undefined {
    const { change, on, place, sender } = reaction;
    if (change === "removed") return { isKnown: true };
    if (isOurs(sender.id)) return undefined;
    const authors = on === "unknown" ? ["other", "own"] as const : [on];
    for (const author of authors) {
      const isOwn = on === "unknown" && author === "own" && { isOwn: true as const };
      if (accepts(reaction, author, { isPaired: false })) return { ...isOwn };
      if (place.kind !== "guild" && accepts(reaction, author, { isPaired: true })) {
        return { ...isOwn, isPaired: true };
      }
    }
    return undefined;
  }

  return (reaction) => {
    const { change, channelId, messageId, sender, emoji } = reaction;
    const onlyIf = conditionsOf(reaction);
    if (!onlyIf) return undefined;
    const tag = labelOf(sender);
    return { change, channelId, messageId, userId: sender.id, tag, emoji, onlyIf };
  };
}
