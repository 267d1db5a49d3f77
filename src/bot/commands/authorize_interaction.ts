/**
 * Decides whether a user may use a command or a component (P16, K3).
 *
 * Policy decides without waiting, so this module fetches the facts first: the application's owner,
 * and whether the sender of a direct message is paired.
 *
 * @module
 */

import type { CommandNeeds } from "../../core/inbound/commands.ts";
import type { ComponentUse, Interaction } from "../../core/inbound/interactions.ts";
import type { KnownFacts } from "../../core/inbound/known_facts.ts";
import type { Verdict } from "../../core/inbound/verdict.ts";
import type { PolicyKeeper } from "../rules/policy.ts";
import type { OwnerIds } from "../owners/owner_ids.ts";
import type { OwnerPresence } from "../../flows/owners/owner_presence.ts";
import type { Store } from "../../core/store/store.ts";

/** The facts that the decision needs. */
export interface AuthorizeInteractionPorts {
  /** Keeps the current policy. */
  readonly policy: Pick<PolicyKeeper, "now">;
  /** Finds the owners' ids. */
  readonly owners: Pick<OwnerIds, "ownsApplication">;
  /** Asks whether an owner is in a guild. Never rejects. */
  readonly ownerIn: OwnerPresence["ask"];
  /** Pairings in the store. */
  readonly pairing: Pick<Store["pairing"], "isPaired">;
}

/** The facts of a command or a component that decide; a text command counts as a slash command. */
export interface Asking extends
  Pick<
    Interaction,
    "accountId" | "channelId" | "place" | "sender" | "managesMessages"
  > {
  /** Kind of the interaction. */
  readonly kind: ComponentUse["kind"] | "slash";
}

/** Creates the decision for one account. */
export function createAuthorizeInteraction(
  { policy, owners, ownerIn, pairing }: AuthorizeInteractionPorts,
): (event: Asking, needs: CommandNeeds) => Promise<Verdict> {
  async function factsOf(
    { accountId, place, sender, managesMessages }: Asking,
    needs: CommandNeeds,
  ): Promise<KnownFacts> {
    const facts: KnownFacts = managesMessages ? { managesMessages } : {};
    const isPaired = place.kind !== "guild" && await pairing.isPaired(accountId, sender.id);
    // If the config names owners, Discord is not asked, and need not be reachable.
    const asksDiscord = (needs === "owner" || (needs === "session" && !managesMessages)) &&
      !policy.now().policy.commands.owners;
    const asksOwner = place.kind === "guild" && policy.now().policy.needsOwnerInGuild;
    return {
      ...facts,
      ...(asksOwner && { ownerInGuild: await ownerIn(place.guild.id) }),
      ...(isPaired && { isPaired }),
      ...(asksDiscord && { ownsApplication: await owners.ownsApplication(sender.id) }),
    };
  }

  return async (event, needs) => {
    const { kind, place, channelId, sender } = event;
    const facts = await factsOf(event, needs);
    return policy.now().authorize({ kind, place, channelId, sender, needs }, facts);
  };
}
