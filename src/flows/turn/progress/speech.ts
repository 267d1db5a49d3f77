/**
 * Declares how the answer to a person who has spoken is spoken (V5). Its turn ends once all is said, so
 * a turn that a crash has cut runs again. Then it is not spoken a second time, but posted.
 */

import { speechOfExtras } from "../../../account/extra_parts.ts";
import type { InboundMessage } from "../../../core/inbound/inbound.ts";
import { termsOf } from "../../../core/inbound/origin.ts";
import type { Model } from "../../../core/model.ts";
import type { FinishedTurn } from "../../../core/inbound/inbox.ts";
import type { DraftStream } from "./drafts.ts";
import type { TurnStep } from "../turn_step.ts";

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
   * The answer is whole. Resolves once all of it is said, or a person has spoken. Never rejects.
   *
   * @param isLarge Whether it has more than words, as files.
   */
  end(text: string, isLarge: boolean): Promise<void>;
  /** Whether the answer is posted, too: it was not spoken, or not all of it. */
  isPosted(): boolean;
  /** The model calls tools now: all of its text so far is said. */
  pause(): void;
  /** A call of the turn waits for a person, who gets a card. */
  waits(): void;
  /** The turn is over: says a notice in place of an answer; an empty one is not said. */
  say(text: string): void;
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

/**
 * The record of a turn that was spoken. Lines that stand under an answer are posted with it, and a
 * notice in place of an answer is spoken, too.
 */
export function spokenTurn(
  turn: FinishedTurn,
  hasLines: boolean,
  speech: TurnSpeech | undefined,
): FinishedTurn {
  const { end: { kind }, outbox: [first] } = turn;
  speech?.say(kind === "failed" || kind === "refused" ? first?.message.content ?? "" : "");
  const isNeeded = kind !== "answered" || hasLines || !speech || speech.isPosted();
  return isNeeded ? turn : { ...turn, outbox: [] };
}

/** Says the answer to a person who has spoken (V5). */
export const speechStep: TurnStep = {
  begins(turn) {
    const { account, turn: running, stored } = turn;
    const { message } = running.claim;
    // After a crash, an answer that people may have heard in part is posted, and not said again.
    if (termsOf(message).answered !== "by voice" || stored.isSpoken) return;
    const { store, now } = account;
    turn.speech = speechOfExtras(account, {
      message,
      mayShow: running.mayShow,
      ending: running.ending.signal,
      mark: () => store.turns.addSteps(running.claim, [{ kind: "spoken", at: now() }], false),
    });
    if (turn.speech?.model) turn.model = turn.speech.model;
  },
  watches: ({ speech }) => speech && { onAside: () => speech.pause() },
  parked: ({ speech }) => speech?.waits(),
};

/** Waits until the answer is said: then it is known whether it is posted, too. */
export const saidStep: TurnStep = {
  async shows({ speech }, answer) {
    const { files, chunks } = answer.reply;
    await speech?.end(answer.text, files.length > 0 || chunks.length > 1);
    return answer;
  },
};
