/** Composes a turn's texts as people see them: its drafts, and its answer with the lines around it. */

import { termsOf } from "../../core/inbound/origin.ts";
import type { Claim } from "../../core/inbound/inbox.ts";
import { type Model, withGenerate } from "../../core/model.ts";
import type { Manner } from "../../core/config_file.ts";
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
import type { TurnRules } from "./turn_rules.ts";
import { firstOfTurn, ofTurn, progressPlaceOf } from "./finished_turn.ts";
import { opensThread } from "./gather.ts";
import { draftsOf, type DraftStream } from "./progress/drafts.ts";
import { linesOf } from "./progress/progress_lines.ts";
import { costOf, type TurnSpending } from "./spending/turn_spending.ts";
import type { OneTurn, TurnStep } from "./turn_step.ts";

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
