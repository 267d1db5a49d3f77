/**
 * The contract of `store.questions`: questions to people, the turns that wait for them, and their
 * cards (A1, T10); and of `store.actions`: runs of offered actions (T16).
 */

import type { AccountId, ChannelId, MessageId, UserId } from "../discord/ids.ts";
import type { ExecRule } from "../exec/command.ts";
import type { InboundMessage } from "../inbound/inbound.ts";
import type { Claim } from "../inbound/inbox.ts";
import type { Frozen } from "../outbound/outbound.ts";
import type { OfferedForm } from "../people/form.ts";
import type {
  AskedCall,
  Deciding,
  DecidingOutcome,
  Decision,
  StoredQuestion,
} from "../people/question.ts";
import type { Charge } from "../spending/usage.ts";
import type { Step } from "../step.ts";

/** All methods of `store.questions`. */
export interface Questions extends Cards, QuestionDecisions, ExecRules, ParkedTurns {}

/** Keeps cards. `now` is Unix time in milliseconds throughout. */
export interface Cards {
  /** Open questions of an account without cards, in the order of asking. */
  withoutCards(accountId: AccountId): Promise<readonly StoredQuestion[]>;
  /**
   * Adds the cards of a question to the outbox, unless it has some, or is decided.
   *
   * @returns Whether they were added.
   */
  addCards(questionId: number, cards: readonly NewCard[], now: number): Promise<boolean>;
  /**
   * Open questions of an account whose cards wait in direct channels in which Discord does not let the
   * bot post, with its reason for the first one.
   */
  undeliverable(
    accountId: AccountId,
  ): Promise<readonly { readonly question: StoredQuestion; readonly reason: string }[]>;
  /** Cards of an account that must change. */
  outdated(accountId: AccountId): Promise<readonly OutdatedCard[]>;
  /**
   * Adds the last text of a card to the outbox, once, and once more after the chosen action has ended.
   * Adds nothing if the action has ended meanwhile. The card stays outdated until the action begins.
   */
  settleCard(
    card: Pick<OutdatedCard, "id" | "run" | "pressed">,
    frozen: Frozen,
    now: number,
  ): Promise<void>;
  /** Ends a question that could reach no one. */
  withdraw(questionId: number, now: number): Promise<void>;
  /** Ends the questions of an account whose time is over. Returns their number. */
  expire(accountId: AccountId, now: number): Promise<number>;
  /** When the next question of an account expires; `undefined` if none is open. */
  nextExpiry(accountId: AccountId): Promise<number | undefined>;
  /** The forms that people of an account may open, newest first; {@link MAX_OFFERED} at most. */
  openForms(accountId: AccountId, now: number): Promise<readonly OfferedForm[]>;
  /** Adds the line that an answer waits for a person (A5), once, and while it does. */
  addWaitingLine(questionId: number, frozen: Frozen, now: number): Promise<void>;
  /** Whether the account has an open question, a card that must change, or a cut action. */
  hasWork(accountId: AccountId): Promise<boolean>;
}

/** A new message that shows a question. */
export interface NewCard {
  /** The message, with a nonce. */
  readonly frozen: Frozen;
  readonly controls: readonly NewControl[];
}

/** A component of a new card. */
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
  /** Nonce of the posted message. */
  readonly nonce: string;
  /** The question as it is now. */
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

/** Decides questions, and lists them. */
export interface QuestionDecisions {
  /** Decides a question, unless it is decided. */
  decide(deciding: Deciding): Promise<DecidingOutcome>;
  /** Open questions, oldest first; of one account, if given. */
  open(now: number, accountId?: AccountId): Promise<readonly StoredQuestion[]>;
}

/** Keeps the rules. */
export interface ExecRules {
  /** All rules of an agent. */
  execRules(agentId: string): Promise<readonly ExecRule[]>;
  /** Adds a rule, once. */
  addExecRule(
    agentId: string,
    rule: Required<ExecRule>,
    by: UserId | undefined,
    now: number,
  ): Promise<void>;
}

/** Parks turns, and tells them the decisions. */
export interface ParkedTurns {
  /**
   * TS: parks a turn until its questions are decided.
   *
   * @throws {Error} If the claim does not run any more.
   */
  park(turn: TurnToPark): Promise<void>;
  /** The decision about a call; `undefined` if there is none yet. */
  decisionOf(callKey: string): Promise<Decision | undefined>;
}

/** A turn to park. */
export interface TurnToPark {
  /** Its claim, which ends. */
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

/** A run of an offered action. */
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

/** A run that begins. */
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
  /** The cap of the day is reached. */
  | { readonly kind: "spent" };

/** The use of a rule by which actions run without a person. */
export interface RuleUse {
  /** Runs since a time, with those that failed. */
  readonly count: number;
  /** The newest run that is kept, of any day; absent: none. */
  readonly last?: Pick<ActionRun, "state" | "startedAt"> & Pick<NewActionRun, "messageId">;
}

/** All methods of `store.actions`. */
export interface ActionRuns {
  /**
   * Records that a run begins, before it does.
   *
   * @returns Whether it may begin: no action of this call has begun before.
   */
  begin(run: NewActionRun, now: number): Promise<boolean>;
  /**
   * Records that a run without a person begins, before it does. A rule runs once in a turn.
   *
   * @param limit The rule that permits it, and how often since a time, with the runs that failed.
   */
  beginUnattended(
    run: Omit<NewActionRun, "byUser">,
    limit: { readonly rule: string; readonly most: number; readonly since: number },
    now: number,
  ): Promise<UnattendedBegin>;
  /**
   * Records the end of a run, with the message that tells it, in one transaction. The cards of its
   * question are out of date then. A second end changes nothing.
   */
  end(
    callKey: string,
    end: { readonly state: Exclude<ActionState, "running">; readonly outcome: string },
    messages: readonly Frozen[],
    now: number,
  ): Promise<void>;
  /**
   * Records an action that a person has chosen and that never begins, with the message that tells it,
   * in one transaction. Does nothing if it has begun.
   */
  lose(
    run: NewActionRun,
    outcome: string,
    messages: readonly Frozen[],
    now: number,
  ): Promise<void>;
  /** How often a rule has run an action since a time, and its last run. */
  useOf(rule: string, since: number): Promise<RuleUse>;
  /** The run of a call; `undefined` if none has begun. */
  runOf(callKey: string): Promise<ActionRun | undefined>;
  /** The runs that a message's turn has led to, in order. */
  runsOf(messageId: MessageId): Promise<readonly ActionRun[]>;
  /** Runs of an account without an end whose turn is over: a crash has cut them. */
  cut(accountId: AccountId): Promise<readonly CutRun[]>;
}

/** A run that no turn will end. */
export interface CutRun extends ActionRun {
  readonly callKey: string;
  /** Whose turn it was. */
  readonly message: InboundMessage;
}
