/**
 * The contract of `store.pairing`: paired people, requests to be paired, resolved names of the
 * config, and guilds about which the owners were asked.
 */

import type { AccountId, GuildId, UserId } from "../discord/ids.ts";
import type {
  Paired,
  PairingDecision,
  PairingOutcome,
  PairingRequest,
} from "../inbound/pairing.ts";
import type { ResolvedName } from "../names.ts";

/** All methods of `store.pairing`. */
export interface Pairing extends Pairings, ResolvedNames, AskedGuildRows {}

/** Reads and decides requests. `now` is Unix time in milliseconds throughout. */
export interface Pairings {
  /** Requests that wait and have not expired, oldest first. */
  requests(accountId: AccountId, now: number): Promise<readonly PairingRequest[]>;
  /** Paired people, in the order of their pairing. */
  paired(accountId: AccountId): Promise<readonly Paired[]>;
  /** Whether a person is paired now. */
  isPaired(accountId: AccountId, userId: UserId): Promise<boolean>;
  /**
   * Approves or denies a request. The same transaction stores the messages for an approved person.
   * A used code counts as unknown. People can guess only codes, not buttons. So only wrong codes
   * are counted, and too many of them close the check.
   */
  decide(asked: PairingDecision): Promise<PairingOutcome>;
  /**
   * Removes a pairing. The person is then an unpaired sender again.
   *
   * @returns The removed pairing; `undefined` if the person is not paired.
   */
  revoke(accountId: AccountId, userId: UserId, now: number): Promise<Paired | undefined>;
  /** Requests that were not reported to the owners yet, oldest first. */
  unreported(accountId: AccountId, now: number): Promise<readonly PairingRequest[]>;
  /** Notes that a request was reported to the owners. */
  markReported(id: number): Promise<void>;
}

/** Reads, adds and forgets names. */
export interface ResolvedNames {
  /** All names of an account, by kind and spelling. */
  namesOf(accountId: AccountId): Promise<readonly ResolvedName[]>;
  /** Adds names. A name that is stored already keeps its id. */
  saveNames(accountId: AccountId, names: readonly ResolvedName[]): Promise<void>;
  /** Forgets names that still have the given id. */
  forgetNames(accountId: AccountId, names: readonly ResolvedName[]): Promise<void>;
}

/** Guilds about which the owners of an account got a question. */
export interface AskedGuildRows {
  /** Whether the owners got a question about a guild. */
  wasAsked(accountId: AccountId, guildId: GuildId): Promise<boolean>;
  /** Notes that they were. */
  noteAsked(accountId: AccountId, guildId: GuildId, now: number): Promise<void>;
}
