/** Values of `store.gateway`: accounts with their gateway sessions and gaps, and runs of the process. */

import type { SessionStartLimit } from "../discord/identify_budget.ts";
import type { UserId } from "../discord/ids.ts";
import type { GatewaySession, Self } from "../inbound/inbound.ts";

/**
 * Stored data of an account. Before its first start all of it is absent, and there is no shard.
 * Times are Unix time in milliseconds.
 */
export interface StoredAccount {
  /** The bot's identity, from the newest READY. */
  readonly self?: Self;
  /** The gateway's URL, and when Discord named it last. */
  readonly gateway?: { readonly url: string; readonly at: number };
  /** Number of shards of the newest connection; `limit.shards` is Discord's recommendation. */
  readonly shardCount?: number;
  /** Intents (bits) of the stored sessions; RESUME keeps them. */
  readonly intents?: number;
  /** Shards that have ever asked for a session or have a gap, by their number. */
  readonly shards: readonly StoredShard[];
  /** Discord's newest answer about the IDENTIFY limit; `shards` is the recommended number. */
  readonly limit?: SessionStartLimit & { readonly shards: number };
  /** Flags (bits) of the application, and when they were read last. */
  readonly flags?: { readonly bits: number; readonly at: number };
  /** The application's owner; absent if Discord names none. */
  readonly ownerId?: UserId;
  /** The owner and the whole team; absent: unknown. */
  readonly ownerIds?: readonly UserId[];
  /**
   * When a session last proved alive, in any run, to the minute. The proof is a dispatch, which
   * comes only after a READY or a RESUMED.
   */
  readonly readyAt?: number;
}

/** One shard of an account. Times are Unix time in milliseconds. */
export interface StoredShard {
  readonly shardId: number;
  /** The newest session; absent if the shard has none. */
  readonly session?: StoredSession;
  /**
   * When the newest message before the gap was sent. Set while catch-up must still read the missed
   * messages.
   */
  readonly catchUpFrom?: number;
  /**
   * When the newest loss was discovered, as another session began than the one before. Set with
   * `catchUpFrom`. A gap may begin long before that, and the loss may have made it larger.
   */
  readonly lostAt?: number;
  /** When the newest stored message was sent. */
  readonly storedUpTo: number;
  readonly aliveAt: number;
}

/** A gateway session as it is stored. Times are Unix time in milliseconds. */
export interface StoredSession extends GatewaySession {
  readonly startedAt: number;
  readonly aliveAt: number;
}

export interface ApplicationAnswer {
  /** Flags (bits), which include the granted privileged intents. */
  readonly flags: number;
  /** The application's owner; absent if Discord names none. */
  readonly ownerId?: UserId;
  /** The owner and the whole team; absent: unknown. */
  readonly ownerIds?: readonly UserId[];
}

export interface LiveShard {
  readonly shardId: number;
  /** Unix time in milliseconds of the newest sign of life. */
  readonly heardAt: number;
}
