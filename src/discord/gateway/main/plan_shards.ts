/**
 * Plans which shards to start, and which session each of them resumes.
 *
 * A session belongs to one shard out of a fixed count. With another count it is worthless: a bot
 * that resumed it would receive some guilds twice and miss others.
 */

import type { ShardOptions } from "../link/protocol.ts";
import type { StoredAccount, StoredShard } from "../../../core/store/gateway.ts";

/** Facts that decide which sessions are resumed. */
export interface ShardFacts {
  /** Number of shards that Discord recommends or the config sets. */
  readonly count: number;
  /** The account's rows of the last process. */
  readonly stored: Pick<StoredAccount, "shardCount" | "intents" | "shards">;
  /** Seconds after its last event until a session counts as dead. */
  readonly sessionCacheTtlSec: number;
  /** If `false`, each shard begins a new session. */
  readonly resumeSession: boolean;
  /** Intents that an IDENTIFY would ask for now. A RESUME keeps the intents of its session. */
  readonly intents: number;
  /** Whether the guild index is complete. A resumed session does not send the guilds again. */
  readonly isComplete: boolean;
  /** Milliseconds before the first IDENTIFY, from the store. */
  readonly identifyInMs: number;
  readonly now: number;
}

/** The shards to start, and the reasons for lost sessions. */
export interface ShardPlan {
  readonly shards: readonly ShardOptions[];
  /** Stored sessions that are not resumed. */
  readonly lost: readonly LostSession[];
  /** The store has another number of shards. */
  readonly isResharded: boolean;
  readonly hasOtherIntents: boolean;
}

/** A stored session that cannot be resumed. */
export interface LostSession {
  readonly shardId: number;
  /** Unix time in milliseconds of the session's last event. */
  readonly aliveAt: number;
  readonly why: string;
}

export function planShards(facts: ShardFacts): ShardPlan {
  const { count, stored, identifyInMs } = facts;
  const isResharded = stored.shardCount !== undefined && stored.shardCount !== count;
  const lost: LostSession[] = [];

  const shards = Array.from({ length: count }, (_, id): ShardOptions => {
    const known = isResharded ? undefined : stored.shards.find(({ shardId }) => shardId === id);
    const why = known?.session && whyNot(known, facts);
    if (known?.session && why === undefined) {
      const { sessionId, resumeUrl, seq, hasHole } = known.session;
      const session = { sessionId, resumeUrl, seq, hasHole: hasHole || undefined };
      return { id, session, identifyInMs };
    }
    if (known?.session && why !== undefined) {
      lost.push({ shardId: id, aliveAt: known.aliveAt, why });
    }
    return { id, identifyInMs }; // the gateway thread spaces the IDENTIFYs
  });
  return { shards, lost, isResharded, hasOtherIntents: hasOtherIntents(facts) };
}

/**
 * As {@link planShards}, but asks for the guild index only if a session could be resumed.
 *
 * @param isComplete Whether the index is complete.
 */
export async function planResumes(
  facts: Omit<ShardFacts, "isComplete">,
  isComplete: () => Promise<boolean>,
): Promise<ShardPlan> {
  const plan = planShards({ ...facts, isComplete: true });
  const resumes = plan.shards.some(({ session }) => session !== undefined);
  return !resumes || await isComplete() ? plan : planShards({ ...facts, isComplete: false });
}

/** Why a session cannot be resumed; `undefined` if it can. */
function whyNot({ aliveAt }: StoredShard, facts: ShardFacts): string | undefined {
  const { resumeSession, isComplete, sessionCacheTtlSec, now } = facts;
  if (hasOtherIntents(facts)) return "it has other intents";
  if (!resumeSession) return "gateway.reconnect.resumeSession is false";
  if (!isComplete) return "the stored guilds are incomplete";
  return now - aliveAt > sessionCacheTtlSec * 1_000 ? "it is too old" : undefined;
}

/** A session stored without intents (by an older release) counts as having the same. */
function hasOtherIntents({ intents, stored }: ShardFacts): boolean {
  return stored.intents !== undefined && stored.intents !== intents;
}
