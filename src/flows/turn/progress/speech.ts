/**
 * Declares how the answer to a person who has spoken is spoken (V5). Its turn ends once all is said, so
 * a turn that a crash has cut runs again. Then it is not spoken a second time, but posted.
 */

import type { InboundMessage } from "../../../core/inbound/inbound.ts";
import type { Model } from "../../../core/model.ts";
import type { FinishedTurn } from "../../../core/inbound/inbox.ts";
import type { DraftStream } from "./drafts.ts";

/** The voice of one turn. */
export interface TurnSpeech {
  /** Hears and answers itself (V6); absent: the agent's model answers. */
  readonly model?: Model;
  /**
   * Speaks the answer while it grows.
   *
   * @param visible The part of a text that people may see.
   */
  stream(visible: (text: string) => string): DraftStream;
  /**
   * The answer is whole. Resolves once all of it is said, or a person has begun to speak. Never
   * rejects.
   *
   * @param isLarge Whether it has more than words, as files.
   */
  end(text: string, isLarge: boolean): Promise<Said>;
  /** The model calls tools now: all of its text so far is said. */
  pause(): void;
  /** Says a notice. */
  say(text: string): void;
}

export interface Said {
  /** The part of the answer that people have heard or read, for the transcript. */
  readonly text: string;
  /** Whether the answer is posted, too. */
  readonly isPosted: boolean;
}

export interface TurnToSpeak {
  readonly message: InboundMessage;
  /** As that of the running turn. */
  readonly mayShow?: Promise<void>;
  /** Aborted if the turn is cut. */
  readonly ending: AbortSignal;
  /** Stores that an answer is spoken from now on. */
  readonly mark: () => Promise<void>;
}

/** Finds the voice of a turn; `undefined`: no call is open where the person spoke. */
export type SpeechOf = (turn: TurnToSpeak) => TurnSpeech | undefined;

/** The record of a turn that was spoken. Lines that stand under an answer are posted with it. */
export function spokenTurn(
  turn: FinishedTurn,
  said: Said | undefined,
  hasLines: boolean,
): FinishedTurn {
  return !said || said.isPosted || hasLines ? turn : { ...turn, outbox: [] };
}
