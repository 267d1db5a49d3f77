/**
 * Declares the events of an account's flows. `bot/account/wiring.ts` joins each with its handlers.
 *
 * @module
 */

import type { Emitter } from "../../lib/emitter.ts";
import type { ChannelId, GuildId } from "../discord/ids.ts";
import type { Delivery } from "../outbound/delivery.ts";
import type { OutboxRow } from "../outbound/outbound.ts";

/** Handlers of the flows' events. None throws. */
export interface AccountEvents {
  /** An attempt to deliver a row has ended. */
  delivered(row: OutboxRow, delivery: Delivery): void;
  /** A channel is parked: the one report about it. */
  parked(channel: RefusedChannel): void;
  /** A message is set aside, so that its owner gets to know. */
  setAside(row: OutboxRow, reason: string): void;
  /** A message is given up, so that its owner gets to know. */
  dead(row: OutboxRow, reason: string): void;
  /** The bot may attach no files in a channel: the missing permission (R12a). */
  filesRefused(channel: RefusedChannel): void;
}

/** The part of an account that emits these events. */
export interface Emits<Event extends keyof AccountEvents> {
  /** The account's emitter. Its handlers are connected before the first event. */
  readonly events: Pick<Emitter<Pick<AccountEvents, Event>>, "emit">;
}

/** A channel in which Discord refuses something. */
export interface RefusedChannel {
  /** Discord's id. */
  readonly channelId: ChannelId;
  /** Absent for a direct message channel. */
  readonly guildId?: GuildId;
  /** For people: the missing permission by name, or Discord's own words. */
  readonly reason: string;
}

/** Figures of one T1. */
export interface StoredBatch {
  /** Messages, including those that the store had already. */
  readonly judged: number;
  /** Messages that now wait for a turn. */
  readonly accepted: number;
  /** Rows of the outbox that an echo settled. */
  readonly settled: number;
  /** Duration of the transaction in milliseconds. */
  readonly ms: number;
}
