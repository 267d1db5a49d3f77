/** What an account asks of the other accounts of its process, and tells them. */

import type { UserId } from "../core/discord/ids.ts";
import type { OurAccount } from "../flows/judging/routing.ts";
import type { Store } from "../store/store.ts";
import type { Bot } from "./account.ts";

/** Whether a user is a bot of this process. Without `noSelfTalk`, they are bots like any (N3). */
export function isOurs({ setup, accounts }: Bot, userId: UserId): boolean {
  return setup.config.router.noSelfTalk.ignoreBotMessages !== false &&
    [...accounts.values()].some((one) => one.userId() === userId);
}

/** All enabled accounts of this process, in the order of the config. */
export function ourAccounts({ setup, views }: Bot): readonly OurAccount[] {
  return setup.config.accounts.filter(({ enabled }) => enabled)
    .map(({ accountId }) => ({ accountId, view: views.get(accountId) }));
}

/**
 * Tells all accounts of changed rows of a namespace: they share a memory (X5).
 *
 * @param forgotten The person whom a command has forgotten.
 */
export function changedInAll(bot: Bot, namespace: keyof Store, forgotten?: UserId): void {
  for (const one of bot.accounts.values()) one.changedByCommand(namespace, forgotten);
}
