/**
 * Declares the events of an account's flows. `bot/account/wiring.ts` joins each with its handlers.
 */

import type { Emitter } from "../../lib/emitter.ts";
import type { ChannelId, GuildId } from "../discord/ids.ts";

/** Handlers of the flows' events. None throws. */
export interface AccountEvents {
  /** A shard's session lacks events, so a new session will follow. */
  sessionDue(shardId: number): void;
  /** A shard's new session is about to be stored (T0); again after the store refused it. */
  sessionStarting(shardId: number): void;
  /** It is stored, together with its gap if there is one. Its events are not stored yet. */
  sessionStarted(shardId: number): void;
  guildsChanged(): void;
}

export interface Emits<Event extends keyof AccountEvents> {
  /** The account's emitter. Its handlers are connected before the first event. */
  readonly events: Pick<Emitter<Pick<AccountEvents, Event>>, "emit">;
}

export interface RefusedChannel {
  readonly channelId: ChannelId;
  /** Absent for a direct message channel. */
  readonly guildId?: GuildId;
  /** For people: the missing permission by name, or Discord's own words. */
  readonly reason: string;
}
