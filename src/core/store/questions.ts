/**
 * The contract of `store.questions`: questions to people, the turns that wait for them, and their
 * cards (A1, T10).
 */

import type { AccountId, ChannelId, UserId } from "../discord/ids.ts";
import type { ExecRule } from "../exec/command.ts";
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
  /** Cards of an account that must change. */
  outdated(accountId: AccountId): Promise<readonly OutdatedCard[]>;
  /** Adds the last text of a card to the outbox, once. */
  settleCard(id: number, frozen: Frozen, now: number): Promise<void>;
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
  /** Whether the account has an open question, or a card that must change. */
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
