/**
 * From a message that is judged to a turn that has ended: what the transactions of both store.
 *
 * @module
 */

import type { AccountId, ChannelId, MessageId } from "../discord/ids.ts";
import type { GuildSnapshot, InboundMessage } from "./inbound.ts";
import type { KnownFacts } from "./known_facts.ts";
import type { Frozen } from "../outbound/outbound.ts";
import type { PairingRequest, PairingService } from "./pairing.ts";
import type { Entry } from "./transcript.ts";
import type { Verdict } from "./verdict.ts";

/** A message with what was decided of it: one row of T1. */
export interface Judged {
  readonly message: InboundMessage;
  readonly verdict: Verdict;
  /** What policy said, where catch-up has made something else of it (G6). */
  readonly said?: Verdict;
  /** Set where it is accepted, or may yet be: a challenge, or what is undecided. */
  readonly route?: Route;
  /** What was known beside the message when it was judged. */
  readonly moment?: KnownFacts;
  /** The policy that judged it, as the store numbers them; absent: none was kept. */
  readonly policyId?: number;
}

/** What one T1 stores, all or nothing. */
export interface AcceptedBatch {
  readonly accountId: AccountId;
  /** How far a shard has been heard: RESUME asks for what comes after. Absent: read over REST. */
  readonly heard?: { readonly shardId: number; readonly seq: number };
  readonly judged: readonly Judged[];
  /** Our own messages that the gateway echoed: outbox rows with these nonces are sent. */
  readonly echoes: readonly Echo[];
  readonly guilds: readonly GuildSnapshot[];
  /** Settles what is to be challenged; without it nobody is, and no code is made. */
  readonly pairing?: PairingService;
}

export interface Echo {
  /** Absent on what a client without nonces posted as us. */
  readonly nonce?: string;
  readonly messageId: MessageId;
  readonly channelId: ChannelId;
  /** Unix time in milliseconds at which it came; absent of what was found in a history. */
  readonly heardAt?: number;
}

/** A message of our own user's that this store did not send: somebody else has our token (G11). */
export interface Foreign {
  readonly messageId: MessageId;
  readonly channelId: ChannelId;
  /**
   * - `unknown`: no row has its nonce, or it has none.
   * - `unsent`: a row has it that was not yet being sent: a twin computes the same nonce.
   * - `early`: it came before our first attempt.
   */
  readonly why: "unknown" | "unsent" | "early";
}

/** What came of a T1. */
export interface Accepted {
  /** Messages that are new to the inbox, each with the verdict that accepts it. */
  readonly accepted: readonly Judged[];
  /** Rows of the outbox that an echo settled. */
  readonly settled: number;
  /** Their channels, each once. */
  readonly settledIn: readonly ChannelId[];
  readonly foreign: readonly Foreign[];
  /** Messages that are new and wait for a fact. */
  readonly undecided: readonly Judged[];
  /** Strangers who have a code now, and had none. */
  readonly challenged: readonly PairingRequest[];
}

/** Of what brought nothing new. */
export const NOTHING_ACCEPTED: Accepted = {
  accepted: [],
  settled: 0,
  settledIn: [],
  foreign: [],
  undecided: [],
  challenged: [],
};

/** Who answers a message, and in which session. */
export interface Route {
  readonly agentId: string;
  /** `"agent:main:main"`, `"agent:main:discord:channel:<id>"` (S1). */
  readonly sessionKey: string;
}

/** A message that a turn was begun for (T2). */
export interface Claim {
  readonly message: InboundMessage;
  readonly route: Route;
  /** From 1; more where a turn was interrupted by a crash. */
  readonly attempt: number;
}

/** How a turn ended, as the inbox records it. */
export type TurnEnd =
  | { readonly kind: "answered" }
  /** The model chose to say nothing (R10). */
  | { readonly kind: "declined" }
  /** The id that the person was told, and the reason for the operator. */
  | { readonly kind: "failed"; readonly failureId: string; readonly reason: string };

/** What one T3 stores, all or nothing. */
export interface FinishedTurn {
  readonly claim: Claim;
  readonly end: TurnEnd;
  /** What the session remembers of this turn; none of one that failed. */
  readonly entries: readonly Entry[];
  /** What is to be sent, in this order. */
  readonly outbox: readonly Frozen[];
  /** Whether drafts of it may be in the outbox (R8). */
  readonly mayHaveDrafts?: boolean;
}

/** What came of a T3. */
export interface StoredTurn {
  /** Not if the claim does not run any more; then nothing has changed. */
  readonly stored: boolean;
  /** Messages, new ones and those that waited, whose words are in another one now (D4). */
  readonly folded: number;
  /** New messages that were not queued (D4). */
  readonly dropped: number;
}
