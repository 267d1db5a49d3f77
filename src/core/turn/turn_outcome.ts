/** Declares the ends of a turn, and its wait for people. */

import type { ModelError, ModelErrorKind, ModelUsage, ReplacedModel } from "../model.ts";
import type { AskedCall } from "../people/question.ts";
import type { BudgetStop } from "../spending/budget.ts";
import type { Step } from "../step.ts";

/** The end of a turn. `usage` counts tokens; absent if the model's API does not report them. */
export type TurnOutcome =
  | {
    readonly kind: "reply";
    readonly text: string;
    /** As the message of the answer has it. */
    readonly carried?: string;
    /** The model's thinking in this process; absent if it is not asked for. */
    readonly thinking?: string;
    /** Of all requests that this process made for the turn. */
    readonly usage?: ModelUsage;
    /** Absent if the model called no tool. */
    readonly taken?: StepsTaken;
    /** The model that answered, if it was a fallback (L3). */
    readonly modelId?: string;
    /** The failure of the model that should have answered; absent if none failed. */
    readonly failure?: ModelError;
    /** Why and for how long a fallback answers; absent if none did, or if that is not known. */
    readonly replaced?: ReplacedModel;
    /** Whether the answer reached the model's maximum of output tokens; absent: it is whole. */
    readonly isCut?: true;
  }
  /** A budget is spent (X4): no model was asked for the next step. */
  | { readonly kind: "refused"; readonly stop: BudgetStop }
  /** The user gets a sentence about `why`; `reason` is for the operator. */
  | {
    readonly kind: "failed";
    readonly reason: string;
    readonly why: TurnFailure;
    /** Milliseconds that the model's server asks to wait; absent if it does not ask. */
    readonly retryAfterMs?: number;
    readonly error: unknown;
    /** Absent if the model called no tool. */
    readonly taken?: StepsTaken;
  }
  /** The process is stopping, or the turn is cut; its next attempt continues it. */
  | { readonly kind: "interrupted" };

/**
 * Why a turn failed: by its model, or:
 *
 * - `late`: its time is over.
 * - `steps`: the model has used all its steps, and wrote nothing.
 * - `unexpected`: anything else.
 */
export type TurnFailure = ModelErrorKind | "late" | "steps" | "unexpected";

/** A turn whose calls wait for people (A1, T10). Its next attempt continues with the decisions. */
export interface ParkedTurn {
  readonly kind: "parked";
  /** The calls that wait, at least one. */
  readonly asked: readonly AskedCall[];
  /** The steps so far, and those that are not stored yet. */
  readonly taken: StepsTaken;
}

/** The steps of a turn that has ended, or waits. */
export interface StepsTaken {
  readonly steps: readonly Step[];
  /** The last of them, which are not stored yet. */
  readonly unsaved: readonly Step[];
}
