/**
 * Composes a turn's texts as people see them: its drafts, and its answer with the lines around it.
 *
 * The answer to a person who has spoken is spoken (V5). Its turn ends once all is said, so a turn
 * that a crash has cut runs again. Then it is not spoken a second time, but posted.
 */

import { speechOfExtras } from "../../account/extra_parts.ts";
import type { Manner } from "../../core/config_file.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { Claim, FinishedTurn } from "../../core/inbound/inbox.ts";
import { termsOf } from "../../core/inbound/inbound.ts";
import { type Model, withGenerate } from "../../core/model.ts";
import type { TurnOutcome } from "../../core/step.ts";
import {
  footerOf,
  type ReplyToSend,
  withFooter,
  withLastLine,
  withPreface,
} from "../../render/cost.ts";
import { freeze } from "../../render/freeze.ts";
import {
  type Answered,
  type ComposedReply,
  composeReply,
  type ModelAnswer,
} from "../../render/reply.ts";
import {
  costOf,
  firstOfTurn,
  ofTurn,
  progressPlaceOf,
  type TurnSpending,
} from "./finished_turn.ts";
import { opensThread } from "./gather.ts";
import { draftsOf, type DraftStream, linesOf } from "../deliver/progress.ts";
import type { TurnRules } from "./turn_rules.ts";
import type { OneTurn, TurnStep } from "./steps.ts";

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

/** Composes a text as the answer of a turn, in the channel or in a thread. */
export type Compose = (
  text: string,
  home?: Claim,
  made?: ModelAnswer["files"],
  of?: Answered,
) => ComposedReply;

/** Files of a turn without any. */
const NO_FILES: NonNullable<ModelAnswer["files"]> = [];

export function createCompose(
  turn: { readonly claim: Claim },
  shown: ModelAnswer["shown"],
  rules: TurnRules,
): Compose {
  return (text, home = turn.claim, made = NO_FILES, of = ofTurn(home)) =>
    composeReply({
      message: of.message,
      agentId: of.agentId,
      text,
      files: made,
      shown,
      // In a thread, Discord takes no reply to a message of the channel.
      rules: home === turn.claim ? rules : { ...rules, replyToMode: "off" },
    });
}

/**
 * The answer that grows in the channel, or as speech (V5); `undefined` if only the whole answer
 * is shown.
 */
function draftFor(turn: OneTurn, compose: Compose): DraftStream | undefined {
  const { account, turn: { claim }, speech } = turn;
  if (speech?.stream) {
    return speech.stream((text) => {
      const composed = compose(text);
      return composed.kind === "reply" ? composed.text : "";
    });
  }
  if (!isShownEarly(turn)) return undefined;
  // A thread opens with the whole answer, so nothing of it is shown in the channel before.
  if (opensThread(claim)) return undefined;
  return draftsOf(account).begin(turn, (text) => {
    const composed = compose(text, undefined, NO_FILES, firstOfTurn(claim));
    return composed.kind === "reply" ? freeze(composed.reply) : [];
  });
}

/** Whether people see the answer before it is whole. */
function isShownEarly({ config: { discord }, turn: { claim } }: OneTurn): boolean {
  return discord.streaming === "edit" && termsOf(claim.message).shows !== "nothing";
}

/**
 * Adds lines to an answer: above it the thinking and the tools that people want to see, below it that
 * it is cut, and its cost.
 *
 * @param compose Composes a text for the place of the answer.
 */
export function withLines(
  answer: ReplyToSend,
  { taken, thinking, isCut }: Extract<TurnOutcome, { kind: "reply" }>,
  compose: (text: string) => ComposedReply,
  { rules, manner, spending }: {
    readonly rules: TurnRules;
    readonly manner: Manner | undefined;
    readonly spending: TurnSpending;
  },
): ReplyToSend {
  const { chunks: { limit }, hasFooter, signature, currency } = rules;
  let shown = answer;
  if (manner) shown = withPreface(shown, { ...taken, thinking }, manner, compose);
  if (isCut) {
    shown = withLastLine(
      shown,
      "-# My answer stops here: it reached the maximum length that my model can write at " +
        "once, or it broke off. Ask me to go on.",
      limit,
    );
  }
  const cost = hasFooter ? costOf(spending) : undefined;
  return withFooter(shown, footerOf(cost, currency, signature), limit);
}

/** Wraps a model so that it thinks as people have chosen. */
export function withManner(model: Model, { think, showsThinking }: Manner): Model {
  return withGenerate(
    model,
    (request, signal) =>
      model.generate({
        ...request,
        ...(think !== undefined && { thinking: think }),
        ...(showsThinking && { showsThinking }),
      }, signal),
  );
}

/** Shows the answer while it grows (R8). */
export const draftStep: TurnStep = {
  begins(turn) {
    if (isShownEarly(turn)) turn.mayHaveDrafts = true;
  },
  watches(turn, compose) {
    const draft = draftFor(turn, compose);
    return draft && { onText: draft.grow, isShown: draft.isShown, end: draft.end };
  },
};

/** Shows what the turn does, in a line (R8a). */
export const linesStep: TurnStep = {
  watches(turn, compose) {
    const { account, config: { discord }, turn: { claim, mayShow }, rules } = turn;
    if (termsOf(claim.message).shows !== "drafts and lines") return undefined;
    const isForReading = discord.streaming !== "progress"; // while a slow server reads a prompt
    const line = linesOf(account).begin(progressPlaceOf(claim), rules, mayShow, isForReading);
    return {
      onNext: line.step,
      onReading: line.reading,
      onAside(text) {
        const composed = compose(text);
        if (composed.kind === "reply") line.said(composed.reply.chunks[0] ?? "");
      },
      async end() {
        if (await line.end()) turn.mayHaveDrafts = true;
      },
    };
  },
};
