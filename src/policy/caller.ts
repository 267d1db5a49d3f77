/**
 * The sender of an event as policy sees it, and the first answer to it: whether they may talk in
 * that place.
 *
 * @module
 */

import type { CommandNeeds } from "../core/inbound/commands.ts";
import type { ChannelId } from "../core/discord/ids.ts";
import type { Place, Sender } from "../core/inbound/inbound.ts";
import type { KnownFacts } from "../core/inbound/known_facts.ts";
import type { AcceptReason, Verdict } from "../core/inbound/verdict.ts";
import type { OpenPlace } from "./rules/place_entry.ts";

/** The sender of an event, with its place. */
export interface Caller {
  /** The channel with its names. */
  readonly place: Place;
  /** Id of that channel, thread or direct message channel. */
  readonly channelId: ChannelId;
  /** The person, bot or webhook. */
  readonly sender: Sender;
  /** Facts known beside the event. */
  readonly known: KnownFacts;
  /** Returns the right that the event's command needs; `undefined` if it is no command. */
  readonly needs: () => CommandNeeds | undefined;
  /** Whether an unpaired sender may get a pairing code for this in a direct message. */
  readonly isChallenged: boolean;
  /** Whether it is a message, for which PluralKit can name the author. */
  readonly isMessage: boolean;
}

/** The sender may talk here. */
export interface Granted {
  /** Tells permission from a {@link Refusal}. */
  readonly kind: "granted";
  /** Reason of the verdict, unless a later check replaces it. */
  readonly why: AcceptReason;
  /** Config path of the rule that allows it. */
  readonly rule: string;
  /** The rules of the place; absent outside guilds. */
  readonly open?: OpenPlace;
}

/** The sender may not talk here, or not yet. */
export type Refusal = Exclude<Verdict, { readonly kind: "accept" }>;
