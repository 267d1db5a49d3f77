/** Finds the names of people and channels, which are ids in the store and in Discord's markup. */

import type { AccountId } from "../../../core/discord/ids.ts";
import type { Store } from "../../../core/store/store.ts";
import { restoreIndex } from "../../../discord/gateway/decode/guild_index.ts";

/** Names by ids. */
export type NamesById = ReadonlyMap<string, string>;

/** The channels that accounts know: `"Krill & Co #general"` by id. */
export async function channelNames(
  accounts: readonly AccountId[],
  { gateway }: Pick<Store, "gateway">,
): Promise<NamesById> {
  const names = new Map<string, string>();
  for (const accountId of accounts) {
    const { index } = restoreIndex(await gateway.guildsOf(accountId));
    for (const guild of index.values()) {
      for (const { id, name } of guild.channels.values()) names.set(id, `${guild.name} #${name}`);
    }
  }
  return names;
}

/** A text with names in place of Discord's mentions of known people and channels. */
export function namedText(text: string, people: NamesById, channels: NamesById): string {
  return text
    .replace(/<@!?(\d+)>/g, (mention, id) => people.has(id) ? `@${people.get(id)}` : mention)
    .replace(/<#(\d+)>/g, (mention, id) => channels.get(id) ?? mention)
    .replace(/<(https:\/\/[^\s<>]+)>/g, "$1");
}
