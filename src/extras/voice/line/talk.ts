/**
 * Declares the line between the people of a call, who decide whether they are heard, and the talk with
 * those who are.
 */

import type { UserId } from "../../../core/discord/ids.ts";
import type { Sender } from "../../../core/inbound/inbound.ts";
import type { Call, CallEvents } from "./call.ts";

/** A person of a call who may talk to the bot now. */
export interface CallSpeaker {
  readonly sender: Sender;
  /** The nickname or display name; absent if it is the username. Untrusted. */
  readonly displayName?: string;
}

export interface TalkPorts {
  readonly call: Call;
  /** Number of people in the channel, without bots. */
  humans(): number;
  /** Finds a person with their current roles; `undefined`: they left, or the config refuses them. */
  speaker(userId: UserId): Promise<CallSpeaker | undefined>;
}

/** The talk of one call. Nothing is heard before {@link Talk.heard}. */
export interface Talk extends Pick<CallEvents, "speechBegan" | "piece" | "frame"> {
  /** These people are heard from now on. Speech of others that is not answered yet is dropped. */
  heard(people: ReadonlySet<UserId>): void;
  /** A person's words that are not stored yet are dropped, and their lines of the minutes. */
  forget(userId: UserId): void;
  /** Speaks a text, after the speech that goes on. */
  say(text: string): void;
  /** The call is over. Resolves once nothing of it runs. */
  stop(): Promise<void>;
}
