/** Finds the names of people and channels, which are ids in the store and in Discord's markup. */

import type { AccountId } from "../../../core/discord/ids.ts";
import type { Store } from "../../../store/store.ts";
import { knownChannels } from "../../../cli/verdict/known_channels.ts";

export type NamesById = ReadonlyMap<string, string>;

/** The channels that accounts know: `"Krill & Co #general"` by id. */
export async function channelNames(
  accounts: readonly AccountId[],
  store: Pick<Store, "gateway">,
): Promise<NamesById> {
  const channels = await knownChannels(store, accounts);
  return new Map(channels.map(({ id, name, guild }) => [id, `${guild} #${name}`]));
}

/** A text with names in place of Discord's mentions of known people and channels. */
export function namedText(text: string, people: NamesById, channels: NamesById): string {
  return text
    .replace(/<@!?(\d+)>/g, (mention, id) => people.has(id) ? `@${people.get(id)}` : mention)
    .replace(/<#(\d+)>/g, (mention, id) => channels.get(id) ?? mention)
    .replace(/<(https:\/\/[^\s<>]+)>/g, "$1");
}
