/** A scene: actions of users against the real bot, with claims about its reactions. */

import type { Env } from "../../../lib/env.ts";
import type { SimulatorOptions } from "../../../../simulator/simulator.ts";
import type { Message } from "../../../../simulator/world/world.ts";
import type { SimulatedProcess, Simulation } from "../simulation/simulation.ts";
import type { RecordedVerdict } from "../../../store/messages/message_record.ts";

export interface Scene {
  /** A sentence that is true if the scene passes: `"the bot answers a mention"`. */
  readonly name: string;
  /** Settings of the simulated Discord. */
  readonly simulator?: SimulatorOptions;
  /** The bot's config; the demo's if absent. */
  readonly config?: object;
  /** Variables of the first bot's environment. */
  readonly env?: Env;
  /**
   * Plays the scene.
   *
   * @throws {Error} At the first claim that does not hold.
   */
  play(set: SceneSet): Promise<void>;
}

/** A Discord, a model and an online bot, with actions for the scene. */
export interface SceneSet {
  readonly simulation: Simulation;
  readonly bot: SimulatedProcess;
  /** Aborted at the scene's time limit. */
  readonly signal: AbortSignal;
  /** Sends a message of a user, which does not mention the bot. */
  say(as: string, where: string, text: string): Message;
  /** Sends a message of a user, which mentions the bot. */
  ask(as: string, where: string, text: string): Message;
  /** The bot's messages in a channel so far; in all channels if none is named. */
  replies(where?: string): readonly string[];
  /**
   * Waits until `check` returns a value.
   *
   * @param what For the error after the time limit: `"a reply in #general"`.
   */
  until<Value>(what: string, check: () => Value | undefined): Promise<Value>;
  /** Waits until the bot has sent that many messages in a channel. */
  untilReplies(count: number, where?: string): Promise<readonly string[]>;
  /** Waits until the bot knows that Discord has all its messages, as before a person can read them. */
  untilDelivered(): Promise<void>;
  /** Waits until the bot has recorded its verdict. */
  verdictOn(message: Message): Promise<RecordedVerdict>;
  /**
   * Asserts a claim.
   *
   * @param claim A sentence: `"the model got one request"`.
   * @param seen The actual value, for the error.
   * @throws {Error} If the claim is not true.
   */
  assert(claim: string, isTrue: boolean, seen?: unknown): void;
}
