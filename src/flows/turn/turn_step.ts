/**
 * Declares the places of a turn, and the steps that only some turns need.
 *
 * A plain turn reads, asks, shows, records and delivers (`answer.ts`), and knows none of its steps. A
 * step is a few functions, each for one place; `steps.ts` lists all of them. So a new one is a module
 * and a line, and a turn is read without them.
 */

import type { TurnPorts } from "../../agent/turn.ts";
import type { FinishedTurn, StoredTurn } from "../../core/inbound/inbox.ts";
import type { StoredSteps, TurnOutcome } from "../../core/step.ts";
import type { ReplyToSend } from "../../render/cost.ts";
import type { BotAccount } from "../../account/account.ts";
import type { Config } from "../../config/config.ts";
import type { Model } from "../../core/model.ts";
import type { Manner } from "../../core/config_file.ts";
import type { TurnContext, TurnRequest } from "./gather.ts";
import type { TurnSpeech } from "./progress/speech.ts";
import type { TurnRules } from "./turn_rules.ts";
import type { RunningTurn } from "./turns.ts";
import type { Compose } from "./shown_answer.ts";
import type { TurnSpending } from "./spending/turn_spending.ts";

/** A turn from its claim to its delivery. */
export interface OneTurn {
  readonly account: BotAccount;
  /** As it was at its beginning (C9). */
  readonly config: Config;
  /** The turn, which others may end. */
  readonly turn: RunningTurn;
  /** The steps that earlier attempts have stored. */
  readonly stored: StoredSteps;
  rules: TurnRules;
  model: Model;
  /** How the conversation is answered, as people have chosen. */
  readonly manner: Manner;
  /** Speaks the answer to a person who has spoken (V5); absent: it is posted. */
  speech?: TurnSpeech;
  readonly spending: TurnSpending;
  /** Whether the outbox may have a draft or a line of it. */
  mayHaveDrafts?: true;
  /** Whether lines stand under its answer. */
  hasLinesUnder?: true;
  /** The end, once the model has answered; absent before. */
  outcome?: TurnOutcome;
  /** Milliseconds until then. */
  ms?: number;
}

export type ModelReply = Extract<TurnOutcome, { kind: "reply" }>;

/** What goes along while the model is asked. */
export type Watching =
  & Partial<Pick<TurnPorts, "model" | "onText" | "isShown" | "onReading" | "onAside">>
  & {
    readonly onNext?: NonNullable<TurnPorts["onStep"]>;
    readonly onPaid?: () => void;
    /** Called in any case, before the turn goes on. */
    readonly end?: () => Promise<void>;
  };

/** An answer for people, and what it was made of. */
export interface WholeAnswer {
  readonly request: TurnRequest;
  readonly outcome: ModelReply;
  readonly compose: (text: string) => ReturnType<Compose>;
}

export interface TurnStep {
  /** Before anything is read: may change what the turn works with. */
  begins?(turn: OneTurn): Promise<void> | void;
  /** Before the model is asked: may end the turn. */
  refuses?(turn: OneTurn): Promise<FinishedTurn | undefined> | FinishedTurn | undefined;
  /** Before the request is read: may add to what the model reads. */
  reads?(turn: OneTurn, context: TurnContext): Promise<void> | void;
  /** While the model is asked. */
  watches?(turn: OneTurn, compose: Compose): Watching | undefined;
  /** The turn waits for a person. */
  parked?(turn: OneTurn): void;
  /** The answer is whole: may add to what people see. */
  shows?(turn: OneTurn, answer: ReplyToSend, of: WholeAnswer): Promise<ReplyToSend> | ReplyToSend;
  /** The turn is over: may change its record. */
  ends?(turn: OneTurn, ended: FinishedTurn): Promise<FinishedTurn> | FinishedTurn;
  /** The record is stored. */
  stored?(turn: OneTurn, ended: FinishedTurn, stored: StoredTurn): void;
}
