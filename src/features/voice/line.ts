/**
 * Declares the lines between the three parts of voice: the sound of a call, which a thread of its own
 * receives and sends; its people, who decide whether they are heard; and the talk with those who are.
 * Sound crosses them in one form, which OpenAI's protocols take as well.
 */

import type { ChannelId, GuildId, UserId } from "../../core/discord/ids.ts";
import type { Sender } from "../../core/inbound/inbound.ts";

/** Mono, 16 bits a sample, 24,000 samples a second. */
export type Pcm = Int16Array;
export const SAMPLE_RATE = 24_000;
/** The part of a sound that one packet has. */
export const FRAME_MS = 20;
export const FRAME_SAMPLES = 480;

export interface CallPlace {
  readonly guildId: GuildId;
  readonly channelId: ChannelId;
}

/** How the sound of a person crosses the line: a piece from pause to pause, or each frame of 20 ms. */
export type HearAs = "pieces" | "frames";

/** From the begin of a person's speech to its end. */
export interface HeardPiece {
  readonly userId: UserId;
  /** Empty if it was a noise. */
  readonly pcm: Pcm;
  /** Unix time in milliseconds of the end of the last word. */
  readonly endedAt: number;
  /** Why the piece ends here. `cut`: the person still speaks, after the longest piece. */
  readonly end: "pause" | "cut";
}

export type VoiceEnd =
  | "left"
  /** A moderator disconnected the bot, or moved it to a channel that it does not serve. */
  | "kicked"
  | "channel_deleted"
  | "no_connect"
  | "no_speak"
  /** The bot may not write there, so it could not ask people whether they want to be heard. */
  | "no_card"
  | "full"
  /** No UDP packet comes back: a firewall. */
  | "udp_blocked"
  /** The voice server gave no connection within the time. */
  | "unreachable"
  /** The call's end-to-end encryption could not be set up. */
  | "no_encryption";

/** Sound of a heard person. A piece follows its begin, with the time until here. */
export type HeardSound =
  | { readonly kind: "began"; readonly userId: UserId }
  | { readonly kind: "piece"; readonly piece: HeardPiece }
  | { readonly kind: "frame"; readonly userId: UserId; readonly pcm: Pcm };

/** What a call tells. */
export type CallEvent =
  | HeardSound
  /**
   * The bot is in the channel. It is told again after each new connection, and if the server turns
   * end-to-end encryption (DAVE) off or on: with it, only the people of the call decrypt its sound.
   */
  | { readonly kind: "ready"; readonly isEndToEnd: boolean }
  /** The last event of a call. */
  | { readonly kind: "ended"; readonly end: VoiceEnd };

/** A person of a call who may talk to the bot now. */
export interface CallSpeaker {
  readonly sender: Sender;
  /** The nickname or display name; absent if it is the username. Untrusted. */
  readonly displayName?: string;
}
