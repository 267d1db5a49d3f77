/**
 * Decides whether a person may use a command or a component (P16, K3).
 *
 * Policy decides without waiting, so this module fetches the facts first: the application's owner,
 * and whether the sender of a direct message is paired.
 */

import type { BotAccount } from "../../account/account.ts";
import type { CommandCall, CommandNeeds, ComponentUse } from "../../core/inbound/inbound.ts";
import type { KnownFacts, Verdict } from "../../core/inbound/inbox.ts";
import { ownsApplication, ownsApplicationAsRead } from "../owners/owner_ids.ts";

/** A command or a component, as far as it decides; a text command counts as a slash command. */
type AskingInteraction = Omit<CommandCall, "name" | "options"> | ComponentUse;

/** Judges by policy whether a person may give a command or use a component. */
export async function authorize(
  account: BotAccount,
  event: AskingInteraction,
  needs: CommandNeeds,
): Promise<Verdict> {
  const { place, channelId, sender } = event;
  const kind = "customId" in event ? event.kind : "slash";
  const facts = await factsOf(account, event, needs);
  return account.policy().authorize({ kind, place, channelId, sender, needs }, facts);
}

/** Whether a person has the right. */
export async function mayUse(
  account: BotAccount,
  event: AskingInteraction,
  needs: CommandNeeds,
): Promise<boolean> {
  return (await authorize(account, event, needs)).kind === "accept";
}

async function factsOf(
  account: BotAccount,
  { accountId, place, sender, managesMessages }: AskingInteraction,
  needs: CommandNeeds,
): Promise<KnownFacts> {
  const { policy, store } = account;
  const { commands, dm } = policy().policy;
  const isPaired = place.kind !== "guild" && await store.pairing.isPaired(accountId, sender.id);
  // If the config names owners, Discord is not asked, and need not be reachable.
  const asksDiscord = (needs === "owner" || (needs === "session" && !managesMessages)) &&
    !commands.owners;
  const isOwner = asksDiscord
    ? await ownsApplication(account, sender.id)
    : place.kind !== "guild" && dm.policy === "pairing" && !isPaired &&
      ownsApplicationAsRead(account, sender.id);
  return {
    ...(managesMessages && { managesMessages }),
    ...(isPaired && { isPaired }),
    ...((asksDiscord || isOwner) && { ownsApplication: isOwner }),
  };
}
