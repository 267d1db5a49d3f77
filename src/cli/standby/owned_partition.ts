/** A partition that a process owns, and the bot that runs it (O16). */

import type { AccountId, ChannelId, GuildId } from "../../core/discord/ids.ts";
import type { InvalidElsewhere } from "../../core/discord/invalid_requests.ts";
import type { Store } from "../../core/store/store.ts";
import { forgetKept } from "../../files/place_record.ts";
import { NOTE } from "../../store/schema/agent.ts";
import { SETTING } from "../../store/schema/bot.ts";
import { PAIRED } from "../../store/schema/people.ts";
import type { createExchange, ExchangeEvents } from "./exchange.ts";
import type { SharedStore } from "./join.ts";

/** A partition that this process owns, with its open store. */
export interface OwnedPartition {
  /** From 0. */
  readonly index: number;
  /** It counts IDENTIFYs with those of all processes. */
  readonly store: Store;
  /** Its lease and pages. */
  readonly shared: SharedStore;
  /** Its changes of rows that hold over all partitions. */
  readonly exchange: ReturnType<typeof createExchange>;
}

/** The bot, as this module changes it. */
export interface PartitionedBot {
  /** Runs a partition; rejects if it cannot be started. */
  addPartition(own: {
    readonly partition: { readonly index: number; readonly count: number };
    readonly store: Store;
    readonly mayAct: () => Promise<void>;
    readonly invalidElsewhere: InvalidElsewhere;
  }): Promise<void>;
  /** Stops a partition, whose store can be closed then. */
  removePartition(index: number): Promise<void>;
  /** Rows of a namespace of the store have changed. */
  changedByCommand(namespace: keyof Store): void;
  /** The guild of a channel; rejects if Discord does not answer, or if the account does not run. */
  guildOf(accountId: AccountId, channelId: ChannelId): Promise<GuildId | undefined>;
}

/**
 * Passes changes of other partitions on to the bot, and to the files of this process.
 *
 * @param bot `undefined` before it runs.
 */
export function exchangeEventsOf(
  bot: () => PartitionedBot | undefined,
  wake: () => void,
  dataDir: string,
): ExchangeEvents {
  return {
    wake,
    onApplied(tables) {
      if (tables.has(SETTING.name)) bot()?.changedByCommand("settings");
      if (tables.has(PAIRED.name)) bot()?.changedByCommand("pairing");
      if (tables.has(NOTE.name)) bot()?.changedByCommand("notes");
    },
    async onForgotten(userId) {
      await forgetKept(dataDir, userId);
      bot()?.changedByCommand("forgetting");
    },
  };
}
