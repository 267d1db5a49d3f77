/** Finds the usernames of people whom the bot knows: those who wrote to it, and paired people. */

import type { AccountId } from "../../core/discord/ids.ts";
import type { Store } from "../../store/store.ts";

/** Usernames by id. A name is no identity, so texts show the id, too. */
export async function knownPeople(
  { messages, pairing }: Pick<Store, "messages" | "pairing">,
  accounts: readonly AccountId[],
): Promise<ReadonlyMap<string, string>> {
  const people = new Map<string, string>(await messages.askersNames());
  for (const accountId of accounts) {
    for (const { userId, username } of await pairing.paired(accountId)) {
      people.set(userId, username);
    }
  }
  return people;
}
