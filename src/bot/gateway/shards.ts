/**
 * Which shards to start, and what each of them goes on with.
 *
 * A session is of one shard out of so many: with another number of them it is
 * worth nothing, and whoever kept it would hear some guilds twice and others
 * not at all.
 *
 * @module
 */

import type { ShardOptions } from "../../discord/gateway/link/protocol.ts";
import type { StoredAccount, StoredShard } from "../../store/gateway/accounts.ts";

/** What decides which sessions are resumed. */
export interface ShardFacts {
  readonly count: number;
  readonly stored: Pick<StoredAccount, "shardCount" | "intents" | "shards">;
  /** Seconds after which a session that was not heard of is taken for dead. */
  readonly sessionCacheTtlSec: number;
  /** `false`: a new session is always begun. */
  readonly resumeSession: boolean;
  /** What an IDENTIFY would ask for now; a RESUME keeps what its session was begun with. */
  readonly intents: number;
  /** Whether all that a resumed session will not tell again is known. */
  readonly isComplete: boolean;
  /** Milliseconds before any IDENTIFY, as the store reckons. */
  readonly identifyInMs: number;
  /** Unix time in milliseconds. */
  readonly now: number;
}

export interface ShardPlan {
  readonly shards: readonly ShardOptions[];
  /** Sessions that are not resumed though there were any. */
  readonly lost: readonly LostSession[];
  /** The store knows of another number of shards. */
  readonly isResharded: boolean;
  /** The store knows of sessions with other intents. */
  readonly hasOtherIntents: boolean;
}

export interface LostSession {
  readonly shardId: number;
  /** Unix time in milliseconds at which it was last heard of. */
  readonly aliveAt: number;
  readonly why: string;
}

/** Plans every shard from 0 to `count` - 1. */
export function planShards(facts: ShardFacts): ShardPlan {
  const { count, stored, identifyInMs } = facts;
  const isResharded = stored.shardCount !== undefined && stored.shardCount !== count;
  const lost: LostSession[] = [];

  const shards = Array.from({ length: count }, (_, id): ShardOptions => {
    const known = isResharded ? undefined : stored.shards.find(({ shardId }) => shardId === id);
    const why = known?.session && whyNot(known, facts);
    if (known?.session && why === undefined) {
      const { sessionId, resumeUrl, seq, hasHole } = known.session;
      const session = { sessionId, resumeUrl, seq, ...(hasHole && { hasHole }) };
      return { id, session, identifyInMs };
    }
    if (known?.session && why !== undefined) {
      lost.push({ shardId: id, aliveAt: known.aliveAt, why });
    }
    return { id, identifyInMs }; // in turns, but those are the thread's to take
  });
  return { shards, lost, isResharded, hasOtherIntents: hasOtherIntents(facts) };
}

/** Why a session cannot be resumed; `undefined` if it can. */
function whyNot({ aliveAt }: StoredShard, facts: ShardFacts): string | undefined {
  const { resumeSession, isComplete, sessionCacheTtlSec, now } = facts;
  if (hasOtherIntents(facts)) return "it was begun with other intents";
  if (!resumeSession) return "gateway.reconnect.resumeSession is false";
  if (!isComplete) return "what it said of guilds is not known any more";
  return now - aliveAt > sessionCacheTtlSec * 1_000 ? "it is too old" : undefined;
}

/** Those of a release that did not note them are taken for the same. */
function hasOtherIntents({ intents, stored }: ShardFacts): boolean {
  return stored.intents !== undefined && stored.intents !== intents;
}
