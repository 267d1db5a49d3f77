/**
 * Declares the events of an account's flows. `bot/account/wiring.ts` joins each with its handlers.
 */

import type { Emitter } from "../../lib/emitter.ts";
import type { ChannelId, GuildId } from "../discord/ids.ts";
import type { Changed, Foreign, Judged, UnansweredMessage } from "../inbound/inbox.ts";
import type { MessageOrigin } from "../inbound/waiting_limits.ts";

/** Handlers of the flows' events. None throws. */
export interface AccountEvents {
  /** A shard's session lacks events, so a new session will follow. */
  sessionDue(shardId: number): void;
  /** A shard's new session is about to be stored (T0); again after the store refused it. */
  sessionStarting(shardId: number): void;
  /** It is stored, together with its gap if there is one. Its events are not stored yet. */
  sessionStarted(shardId: number): void;
  /** These messages wait for a turn, at least one. The turns know already. */
  accepted(accepted: readonly Judged[]): void;
  /** These messages wait for a fact (P13). */
  undecided(undecided: readonly Judged[], origin: MessageOrigin): void;
  /** These messages get no answer (X4). */
  unanswered(messages: readonly UnansweredMessage[]): void;
  /** Waiting and running messages have changed or lost their turn (H6, S5). */
  touched(changed: Changed): void;
  /** An echo settled so many rows of the outbox in these channels. */
  settled(channels: readonly ChannelId[], count: number): void;
  guildsChanged(): void;
  /** Live messages by our own user that this store did not send (G11). */
  foreign(found: readonly Foreign[]): void;
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
