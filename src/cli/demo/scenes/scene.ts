/**
 * A scene: something that people live through with a bot, played against the
 * real one and held against what must be true of it.
 *
 * @module
 */

import type { SimulatorOptions } from "../../../../simulator/simulator.ts";
import type { Message } from "../../../../simulator/world/world.ts";
import type { Decision } from "../../../store/received/decisions.ts";
import type { Env } from "../../terminal/io.ts";
import type { Stage, StagedBot } from "../stage/stage.ts";

export interface Scene {
  /** A sentence that is true if it went well: `"a mention is answered"`. */
  readonly name: string;
  /** Of the Discord that it plays on. */
  readonly simulator?: SimulatorOptions;
  /** What stands in the bot's config; the demo's, if absent. */
  readonly config?: object;
  /** Of the first bot's environment. */
  readonly env?: Env;
  /** @throws {Error} As soon as something is not as it must be. */
  play(set: SceneSet): Promise<void>;
}

/** What a scene has to play with: a Discord, a model, and a bot that is online. */
export interface SceneSet {
  readonly stage: Stage;
  readonly bot: StagedBot;
  /** Somebody says something; in a channel to all, not to the bot. */
  say(as: string, where: string, text: string): Message;
  /** Somebody says something to the bot, by a mention. */
  ask(as: string, where: string, text: string): Message;
  /** What the bot said in a channel so far, message by message; everywhere, if none is named. */
  replies(where?: string): readonly string[];
  /**
   * Waits until `check` gives something.
   *
   * @param what For the message if it never does: `"a reply in #general"`.
   */
  until<Value>(what: string, check: () => Value | undefined): Promise<Value>;
  /** Waits until the bot has said so many things in a channel. */
  untilReplies(count: number, where?: string): Promise<readonly string[]>;
  /** Waits until the bot has put on record what it decided. */
  verdictOn(message: Message): Promise<Decision>;
  /**
   * Holds the scene to something.
   *
   * @param claim What is true, in words: `"the model was asked once"`.
   * @param seen What was there instead, for the message.
   * @throws {Error} If it is not true.
   */
  assert(claim: string, isTrue: boolean, seen?: unknown): void;
}
