/**
 * The steps of a turn: the model's answers that call tools, and the calls' results.
 *
 * The store keeps each step before the next one begins. So a turn that a crash has cut goes on where
 * it was: the model is not asked again for an answer that the store has.
 */

import type { MessageId, UserId } from "./discord/ids.ts";
import type { ModelMessage, ModelUsage, ReplacedModel, ToolCall } from "./model.ts";
import type { Frozen, OutboundFile, OutboundMessage, Quote } from "./outbound/outbound.ts";
import type { RefusalReason } from "./refused_call.ts";

/** One step, with the Unix time in milliseconds of its end. */
export type Step =
  /** The model called tools. An answer without calls ends the turn, and is no step. */
  | {
    readonly kind: "answer";
    readonly text: string;
    readonly calls: readonly ToolCall[];
    /** As the message of the answer has it. */
    readonly carried?: string;
    readonly usage?: ModelUsage;
    /** The model that answered, if it was a fallback (L3); a turn goes on with it. */
    readonly modelId?: string;
    /** Why the first model did not answer; absent if it did, or if that is not known. */
    readonly replaced?: ReplacedModel;
    /** Whether a workflow asks for the calls, and no model has (N4). */
    readonly isPlanned?: true;
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
  | ({ readonly kind: "result"; readonly callId: string; readonly at: number } & ToolResult)
  | AskedStep
  /** A step of an agent that a call of this turn has asked, by the number of the question. */
  | { readonly kind: "inner"; readonly number: number; readonly step: Step; readonly at: number }
  | ToldStep
  | PassedStep
  | HeldStep
  | CheckedStep
  | EditedStep;

/** An answer that a person checks before Discord gets it (A5). The turn waits with it. */
export interface HeldStep {
  readonly kind: "held";
  /** Names its question among those of all calls. */
  readonly callKey: string;
  /** Ids and revisions of the answered messages: with others, the answer counts no more. */
  readonly about: string;
  /** Why a person checks it, for the operator. */
  readonly why: string;
  /** The answer without the lines around it. */
  readonly text: string;
  /** The message that the answer quotes; absent: none. */
  readonly quote?: Quote;
  readonly outbox: readonly {
    readonly message: OutboundMessage;
    readonly files: readonly HeldFile[];
    /** As {@link Frozen.whole}. */
    readonly whole?: Frozen["whole"];
  }[];
  /** The entries of the turn for the session; the last one is the answer. */
  readonly entries: readonly (
    & ModelMessage
    & { readonly messageId: MessageId; readonly at: number }
  )[];
  /** The cost of the turn; absent: it asked no model. */
  readonly cost?: {
    readonly model: string;
    /** Number of requests. */
    readonly requests: number;
    readonly inputTokens: number;
    readonly cachedTokens: number;
    readonly outputTokens: number;
    /** Millionths of the currency; absent: a price is unknown. */
    readonly micros?: number;
    readonly ms: number;
    /** Why that model answered; absent: it is the agent's first one. */
    readonly replaced?: ReplacedModel;
  };
  readonly at: number;
}

/** A file of a held answer: its text, or its position among the files that tools made. */
export type HeldFile = Omit<OutboundFile, "bytes"> & {
  readonly text?: string;
  readonly made?: number;
};

/** How a held answer ended. */
export type CheckedHow =
  | "posted"
  | "edited"
  | "discarded"
  | "self"
  | "expired"
  /** It could be shown to no one. */
  | "unseen";

/** A held answer has an end. */
export interface CheckedStep {
  readonly kind: "checked";
  readonly how: CheckedHow;
  /** The person; absent: none, or a person with access to the host. */
  readonly by?: UserId;
  readonly at: number;
}

/** A call asks another agent, whose steps follow (N4). */
export interface AskedStep {
  readonly kind: "asked";
  /** Number of the question in the turn, from 1. */
  readonly number: number;
  readonly callKey: string;
  /** Position of the question in the call, from 0. */
  readonly part: number;
  readonly agentId: string;
  readonly question: string;
  /** Whether a helper is asked, which asks no one. */
  readonly isHelper?: true;
  readonly at: number;
}

/** An asked agent has answered, or failed. */
export interface ToldStep {
  readonly kind: "told";
  /** Number of the question. */
  readonly number: number;
  readonly end: "done" | "failed";
  /** The answer, or the reason of the failure. */
  readonly text: string;
  /** Tokens of the request that brought the answer; absent if the server reports none. */
  readonly usage?: ModelUsage;
  readonly at: number;
}

/** The turn goes on with another agent (N4). The steps before were those of `from`. */
export interface PassedStep extends PassedWork {
  readonly kind: "passed";
  readonly from: string;
  readonly at: number;
}

/**
 * A person has edited the question after its answer, and the turn begins anew (H6a). The steps before
 * stay done; the new turn does not go on from them.
 */
export interface EditedStep {
  readonly kind: "edited";
  /** Number of the edit among those that the turn has followed, from 1. */
  readonly number: number;
  /** The messages that earlier answers of the turn belong to. */
  readonly causes: readonly MessageId[];
  readonly at: number;
}

export interface PassedWork {
  readonly to: string;
  readonly task: string;
  /** Facts that it needs; absent: none. */
  readonly context?: string;
}

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
  /** Why the call was refused; absent if it ran. */
  readonly refused?: RefusalReason;
  /** Whether a tool of an MCP server may have changed something; the tool may go before its receipt. */
  readonly mayLast?: true;
  /** Calls of other tools by the tool of a skill (T7a) that may have changed something. */
  readonly inner?: readonly (readonly [ToolCall, ToolResult])[];
}

/**
 * Stores steps. Once it resolves, they survive `kill -9`.
 *
 * @param waitsForDisk Whether the steps must also survive a power cut.
 * @throws {unknown} The store's error, as a rejection.
 */
export type SaveSteps = (steps: readonly Step[], waitsForDisk: boolean) => Promise<void>;

/** The messages that became part of a turn after its beginning. */
export function joinedBy(steps: readonly Step[]): ReadonlySet<MessageId> {
  return new Set(steps.flatMap((step) => step.kind === "joined" ? step.messageIds : []));
}
