/** Lists the channels that the store knows by name, for commands and pages that show or propose names. */

import type { AccountId, ChannelId, GuildId } from "../../core/discord/ids.ts";
import type { Store } from "../../store/store.ts";
import { restoreIndex } from "../../discord/gateway/decode/guild_index.ts";

interface ListedChannel {
  readonly id: ChannelId;
  readonly name: string;
  readonly guild: string;
  readonly guildId: GuildId;
}

/** The channels of these accounts, guild by guild. Channels without a known name are left out. */
export async function knownChannels(
  { gateway }: Pick<Store, "gateway">,
  accounts: readonly AccountId[],
): Promise<readonly ListedChannel[]> {
  const known: ListedChannel[] = [];
  for (const accountId of accounts) {
    const { index } = restoreIndex(await gateway.guildsOf(accountId));
    for (const [guildId, { name: guild, channels }] of index) {
      for (const { id, name } of channels.values()) {
        if (name !== undefined) known.push({ id, name, guild, guildId });
      }
    }
  }
  return known;
}
