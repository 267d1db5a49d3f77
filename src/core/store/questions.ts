/** Values of `store.questions`: cards and parked turns (A1, T10); and of `store.actions` (T16). */

import type { AccountId, ChannelId, MessageId, UserId } from "../discord/ids.ts";
import type { InboundMessage } from "../inbound/inbound.ts";
import type { Claim } from "../inbound/inbox.ts";
import type { Frozen } from "../outbound/outbound.ts";
import type { AskedCall, StoredQuestion } from "../people/question.ts";
import type { Charge } from "../spending/usage.ts";
import type { Step } from "../step.ts";

export interface NewCard {
  readonly frozen: Frozen;
  readonly controls: readonly NewControl[];
}

export interface NewControl {
  /** Its `custom_id`: a name and 128 random bits. */
  readonly customId: string;
  /** Key of its choice, or the name of its kind. */
  readonly choice: string;
}

/** A card of a decided question that still shows it as open. */
export interface OutdatedCard {
  readonly id: number;
  readonly channelId: ChannelId;
  readonly nonce: string;
  readonly question: StoredQuestion;
  /** The run of the chosen action, once it has ended; absent: none has. */
  readonly run?: ActionRun;
  /** Of an action that a person has chosen, and that has not begun; absent: there is none. */
  readonly pressed?: {
    readonly callKey: string;
    /** Whether its turn is over, so that it never begins. */
    readonly isLost: boolean;
  };
  /** Whether it was posted in Discord's second layout; absent if that is not known any more. */
  readonly isCard?: boolean;
}

export interface TurnToPark {
  readonly claim: Claim;
  /** Its last steps, which are not stored yet. */
  readonly steps: readonly Step[];
  /** Requests to models since the last stored step. */
  readonly charges: readonly Charge[];
  /** At least one call that waits. */
  readonly asked: readonly (AskedCall & { readonly code: string })[];
  readonly now: number;
}

/**
 * The state of a run. `unknown`: it began, and no one can tell whether it has run.
 */
export type ActionState = "running" | "done" | "failed" | "unknown";

export interface ActionRun {
  readonly label: string;
  /** Config path that permits it without a person; absent: a person has pressed. */
  readonly rule?: string;
  readonly state: ActionState;
  /** The outcome in words; absent while it runs. */
  readonly outcome?: string;
  /** The person who pressed; absent: none, or forgotten. */
  readonly byUser?: UserId;
  readonly startedAt: number;
}

export interface NewActionRun {
  readonly accountId: AccountId;
  /** The message whose turn has offered it. */
  readonly messageId: MessageId;
  /** Key of the call that has offered it: at most one action of a call runs. */
  readonly callKey: string;
  readonly label: string;
  /** The person who pressed. */
  readonly byUser?: UserId;
}

/** Whether a run without a person may begin. */
export type UnattendedBegin =
  | { readonly kind: "begun" }
  /** The turn has run it before. */
  | { readonly kind: "repeated"; readonly run: ActionRun }
  | { readonly kind: "spent" };

/** The use of a rule by which actions run without a person. */
export interface RuleUse {
  /** Runs since a time, with those that failed. */
  readonly count: number;
  /** The newest run that is kept, of any day; absent: none. */
  readonly last?: Pick<ActionRun, "state" | "startedAt"> & Pick<NewActionRun, "messageId">;
}

/** A run that no turn will end. */
export interface CutRun extends ActionRun {
  readonly callKey: string;
  readonly message: InboundMessage;
}
