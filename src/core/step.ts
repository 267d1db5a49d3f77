/**
 * The steps of a turn: the model's answers that call tools, and the calls' results.
 *
 * The store keeps each step before the next one begins. So a turn that a crash has cut goes on
 * where it was: the model is not asked again for an answer that the store has.
 */

import type { MessageId } from "./discord/ids.ts";
import type { ModelError, ModelErrorKind, ModelUsage, ReplacedModel, ToolCall } from "./model.ts";
import type { AskedCall } from "./people/question.ts";
import type { CallEffect, RefusalReason } from "./turn/tool.ts";
import type { BudgetStop } from "./spending/budget.ts";

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

/** One step, with the Unix time in milliseconds of its end. */
export type Step =
  /** The model called tools. An answer without calls ends the turn, and is no step. */
  | {
    readonly kind: "answer";
    readonly text: string;
    readonly calls: readonly ToolCall[];
    /** As the message of the answer has it. */
    readonly carried?: string;
    /** Ids of the sources that its request had more than the one before; absent: none (H6a). */
    readonly read?: readonly string[];
    readonly usage?: ModelUsage;
    /** The model that answered, if it was a fallback (L3); a turn goes on with it. */
    readonly modelId?: string;
    /** Why the first model did not answer; absent if it did, or if that is not known. */
    readonly replaced?: ReplacedModel;
    readonly at: number;
  }
  /** A call is about to begin that must not run twice. After a crash, it may have run. */
  | { readonly kind: "begun"; readonly callId: string; readonly at: number }
  /** A call that has begun waits for a person; the process keeps it. It may begin again. */
  | { readonly kind: "waits"; readonly callId: string; readonly at: number }
  /** The answer is about to be spoken (V5). After a crash, people may have heard a part of it. */
  | { readonly kind: "spoken"; readonly at: number }
  /** Messages that arrived during the turn became part of it (S5). */
  | { readonly kind: "joined"; readonly messageIds: readonly MessageId[]; readonly at: number }
  /** A request had no room for all of these results. The request is the next one. */
  | { readonly kind: "cut"; readonly results: readonly CutResult[]; readonly at: number }
  | ({ readonly kind: "result"; readonly callId: string; readonly at: number } & ToolResult);

/** A result that the model was shown in part. */
export interface CutResult {
  /** Its position among the results of the turn, from 0. */
  readonly result: number;
  /** UTF-16 units of it that the model was shown; 0: none. */
  readonly chars: number;
}

export interface ToolResult {
  /** `unknown`: a crash or the time limit cut the call, which must not run twice. */
  readonly end: "done" | "failed" | "unknown";
  /** The result, or the reason of the failure, for the model. */
  readonly text: string;
  /** Ids of kept images that the model sees with the result; absent: none. */
  readonly images?: readonly string[];
  /** Messages that it comes from without naming them (H6a); absent: none. */
  readonly read?: readonly MessageId[];
  /** Parts of its effect that the arguments do not tell, for its receipt; absent: none. */
  readonly effect?: Partial<CallEffect>;
  /** Why the call was refused; absent if it ran. */
  readonly refused?: RefusalReason;
  /** Whether a tool of an MCP server may have changed something; the tool may go before its receipt. */
  readonly mayLast?: true;
  /** Calls of other tools by the tool of a skill (T7a) that may have changed something. */
  readonly inner?: readonly (readonly [ToolCall, ToolResult])[];
}

/** The messages that became part of a turn after its beginning. */
export function joinedBy(steps: readonly Step[]): ReadonlySet<MessageId> {
  return new Set(steps.flatMap((step) => step.kind === "joined" ? step.messageIds : []));
}

/** The stored steps of a turn. */
export interface StoredSteps {
  readonly own: readonly Step[];
  /** Set if people may have heard a part of an answer that the steps do not have (V5). */
  readonly isSpoken?: true;
}

/** The steps of a turn that has taken none. */
export const NO_STEPS: StoredSteps = { own: [] };

export function storedSteps(all: readonly Step[]): StoredSteps {
  if (all.length === 0) return NO_STEPS; // most turns
  const isSpoken = all.findLastIndex(({ kind }) => kind === "spoken") >
    all.findLastIndex(({ kind }) => kind === "answer");
  return { own: all.filter(({ kind }) => kind !== "spoken"), ...isSpoken && { isSpoken } };
}
