/**
 * Declares the parts of the bot that commands and components may use.
 *
 * @module
 */

import type { Folded } from "../core/turn/checkpoint.ts";
import type { MessageId, UserId } from "../core/discord/ids.ts";
import type { PairingDecision, PairingOutcome, PairingRequest } from "../core/inbound/pairing.ts";
import type { StopScope } from "../core/inbound/changes.ts";
import type { ComponentUse, SlashCommand } from "../core/inbound/interactions.ts";
import type { Note } from "../core/notes/note.ts";
import type { Deciding, DecidingOutcome } from "../core/turn/question.ts";
import type { Log } from "../lib/log.ts";
import type { Texts } from "../render/notices/notices.ts";

/** The state of an account, for `/status`. */
export interface StatusFacts {
  /** Barnacle's version. */
  readonly version: string;
  /** `"<provider>/<model>"`. */
  readonly modelId: string;
  /** Unix time in milliseconds since which the model has failed; absent while it answers. */
  readonly modelFailsSince?: number;
  /** Unix time in milliseconds since which the gateway session is ready. */
  readonly readyAt: number;
  /** Round trip of the last heartbeat, in milliseconds; absent before the first. */
  readonly latencyMs?: number;
}

/** The size of a conversation, for `/context`. */
export interface ContextFacts {
  /** Number of entries of the transcript that are not folded. */
  readonly entries: number;
  /** Estimated number of their tokens, with the summary of the folded ones. */
  readonly tokens: number;
  /** Number of tokens that fit into a request to the model. */
  readonly windowTokens: number;
  /** The folded entries. */
  readonly folded: Folded;
}

/** The agent's notes, for the people from whose messages they come. */
export interface NotesOfPeople {
  /** Notes by one person, newest first; in one space, if given. */
  by(authorId: UserId, space: string | undefined, limit: number): Promise<readonly Note[]>;
  /** One note; `undefined` if there is none with this number. */
  find(id: number): Promise<Note | undefined>;
  /**
   * Replaces a note's text. `now` is Unix time in milliseconds.
   *
   * @returns Whether the note existed.
   */
  update(id: number, text: string, sources: readonly MessageId[], now: number): Promise<boolean>;
  /** Deletes a note. @returns Whether it existed. */
  remove(id: number): Promise<boolean>;
}

/** A person's use of the models. */
export interface UsageFigures {
  /** Number of requests to models. */
  readonly requests: number;
  /** Tokens of requests, cached ones included. */
  readonly inputTokens: number;
  /** Those of them that servers had cached. */
  readonly cachedTokens: number;
  /** Tokens of answers. */
  readonly outputTokens: number;
  /** Millionths of the config's currency, of requests with a known price. */
  readonly micros: number;
  /** Number of requests without a known price. */
  readonly unpriced: number;
}

/** Everything that a command or component may read and do, beside its own interaction. */
export interface InteractionContext {
  /** Approves or denies pairing requests; rejects if the store fails. */
  readonly pairing: { decide(decision: PairingDecision): Promise<PairingOutcome> };
  /** Decides questions to people; turns then continue, and cards change. Rejects if the store fails. */
  readonly questions: { decide(deciding: Deciding): Promise<DecidingOutcome> };
  /** The agent's notes; rejects if the store fails. */
  readonly notes: NotesOfPeople;
  /** Removes the program's secrets from a text. */
  readonly cleanSecrets: (text: string) => string;
  /** Tells that the outbox has a new row about this request. */
  readonly onOutbox: (request: PairingRequest) => void;
  /** Stops turns (S5). */
  readonly turns: {
    /** Stops turns; returns how many messages have lost theirs. */
    stop(scope: StopScope): Promise<number>;
    /** Whether a person may stop the turns of others there (K3). */
    mayStopAll(event: SlashCommand | ComponentUse): Promise<boolean>;
  };
  /** Reads the account's state at this moment. */
  readonly status: () => StatusFacts;
  /**
   * The size of the conversation that a message of the asker would continue here; rejects if the
   * store fails.
   */
  readonly contextOf: (call: SlashCommand) => Promise<ContextFacts>;
  /** Sums a person's use of the models from a UTC day on; rejects if the store fails. */
  readonly usage: { sum(fromDay: number, userId: string): Promise<UsageFigures> };
  /** Notices in the words of the config, read anew for each interaction. */
  readonly texts: () => Texts;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  /** Gets decisions and failures; never a token, nor words of a person. */
  readonly log: Log;
}
