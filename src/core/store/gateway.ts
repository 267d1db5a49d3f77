/**
 * The contract of `store.gateway`: the accounts with their gateway sessions, gaps, guilds and
 * IDENTIFYs, and the runs of the process.
 */

import type { GatewayInfo } from "../discord/gateway.ts";
import type {
  IdentifyAnswer,
  IdentifyBudget,
  SessionStartLimit,
} from "../discord/identify_budget.ts";
import type { AccountId, UserId } from "../discord/ids.ts";
import type { GatewaySession, GuildSnapshot, Self } from "../inbound/inbound.ts";

/** All methods of `store.gateway`. */
export interface GatewayRecords
  extends
    AccountRows,
    DiscordAnswers,
    Gaps,
    GatewaySessions,
    GuildRows,
    Identifies,
    Runs,
    StoreOwner {}

/** Reads accounts. */
export interface AccountRows {
  /** Reads all stored data of an account. */
  loadAccount(accountId: AccountId): Promise<StoredAccount>;
  /**
   * All accounts that ever connected or have messages to send, including accounts that the config
   * no longer has.
   */
  accountIds(): Promise<readonly AccountId[]>;
}

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
  /** When the shard last heard from the gateway. */
  readonly aliveAt: number;
}

/** A gateway session as it is stored. Times are Unix time in milliseconds. */
export interface StoredSession extends GatewaySession {
  readonly startedAt: number;
  /** When the session last heard from the gateway. */
  readonly aliveAt: number;
}

/** Saves answers; `loadAccount` reads them. */
export interface DiscordAnswers {
  /** Saves the gateway's URL and limit. */
  saveGateway(accountId: AccountId, answer: GatewayInfo, now: number): Promise<void>;
  /** Saves the application's owner and whole team. */
  saveOwners(accountId: AccountId, ownerIds: readonly UserId[]): Promise<void>;
  /** Saves the application's flags, owner and team. */
  saveApplication(accountId: AccountId, answer: ApplicationAnswer, now: number): Promise<void>;
}

/** Discord's answer to a request for the application. */
export interface ApplicationAnswer {
  /** Flags (bits), which include the granted privileged intents. */
  readonly flags: number;
  /** The application's owner; absent if Discord names none. */
  readonly ownerId?: UserId;
  /** The owner and the whole team; absent: unknown. */
  readonly ownerIds?: readonly UserId[];
}

/** Changes the gaps of shards. */
export interface Gaps {
  /**
   * Sets another number of shards than the stored one, before any shard connects. The old sessions
   * are over, and every new shard has the gap of the oldest of them.
   */
  reshard(accountId: AccountId, shardCount: number, now: number): Promise<void>;
  /**
   * Opens a gap in a session that was resumed with a hole. It begins at the end of the stored
   * messages, unless an open gap begins earlier. The session goes on, over a restart too, until a
   * new one may begin. The gap stays open until then, because only a READY tells which channels
   * have messages that the store lacks.
   */
  openGap(accountId: AccountId, shardId: number, now: number): Promise<void>;
  /**
   * Closes a shard's gap once catch-up has read all of it. A gap with another beginning stays open.
   * So does a gap that still grows: the shard has no session after it, or one with a hole, or has
   * lost another one since.
   *
   * @param from The gap's `catchUpFrom` from which catch-up has read.
   * @param lostAt The gap's `lostAt` before the reading. A caller that reads again after each loss
   * may leave it out.
   */
  finishCatchUp(
    accountId: AccountId,
    shardId: number,
    from: number,
    lostAt?: number,
  ): Promise<void>;
}

/** Changes gateway sessions. */
export interface GatewaySessions {
  /**
   * T0: stores a new session of a shard and the bot's identity in it. Unless it is the shard's
   * first session, a gap opens before it.
   *
   * @param arrivedAt Unix time in milliseconds at which Discord began it.
   */
  startSession(
    accountId: AccountId,
    shardId: number,
    session: GatewaySession,
    self: Self,
    arrivedAt: number,
  ): Promise<void>;
  /**
   * Stores the intents (bits) of all later sessions, so that the bot resumes no session with
   * others.
   */
  saveIntents(accountId: AccountId, bits: number): Promise<void>;
  /**
   * Notes which shards heard from the gateway, and that this run of the process lives. A session
   * can be resumed only for a limited time after its last sign of life. Also takes one step of
   * pruning.
   *
   * @param isProbe Whether to prove that the disk accepts writes; the commit then waits for the
   * disk.
   * @returns Milliseconds that the commit took.
   * @throws {StoreError} `gone`, if the file was removed or replaced; otherwise as each commit
   * does.
   */
  touchAlive(
    accountId: AccountId,
    heard: readonly LiveShard[],
    now: number,
    isProbe?: boolean,
  ): Promise<number>;
}

/** A shard that heard from the gateway. */
export interface LiveShard {
  readonly shardId: number;
  /** Unix time in milliseconds of the newest sign of life. */
  readonly heardAt: number;
}

/** Reads snapshots of guilds. */
export interface GuildRows {
  /** The snapshots of all guilds that the account is in. */
  guildsOf(accountId: AccountId): Promise<readonly GuildSnapshot[]>;
}

/** Allows and counts IDENTIFYs. `now` is Unix time in milliseconds throughout. */
export interface Identifies {
  /**
   * Allows a shard one IDENTIFY, which is on the disk before this resolves, or tells how long to
   * wait. If no session was stored after the shard's first IDENTIFY, a gap opens from there.
   */
  takeIdentify(accountId: AccountId, shardId: number, now: number): Promise<IdentifyAnswer>;
  /**
   * Forgets the beginnings of shards whose IDENTIFY Discord has refused for good. An account that
   * ever had a session keeps its gaps.
   */
  forgetRefused(accountId: AccountId): Promise<void>;
  /** Reads the number of IDENTIFYs left, and until when none is allowed. */
  identifyBudget(accountId: AccountId, now: number): Promise<IdentifyBudget>;
  /**
   * Milliseconds that {@link takeIdentify} would make the shard wait; 0 if none. Takes no IDENTIFY.
   */
  identifyInMs(accountId: AccountId, shardId: number, now: number): Promise<number>;
}

/** Reads and changes runs. */
export interface Runs {
  /**
   * Begins a run. Calls of `touchAlive` then keep it alive.
   *
   * @returns The run before it; `undefined` for the first.
   */
  startRun(
    run: { readonly runId: string; readonly startedAt: number; readonly bootId?: string },
    /** The ending of the run before it, if that could not store one. */
    lastEnding?: string,
  ): Promise<LastRun | undefined>;
  /** Stores the run's ending. */
  endRun(runId: string, ending: string, now: number): Promise<void>;
  /** The runs that lived at some time since then, oldest first, including the current one. */
  runs(since: number): Promise<readonly ProcessRun[]>;
  /**
   * Whether Barnacle ran at some time, with the runs before and after it.
   *
   * @param at Unix time in milliseconds.
   */
  runsAround(at: number): Promise<RunsAround>;
}

/** A run that is over. Times are Unix time in milliseconds. */
export interface LastRun {
  readonly startedAt: number;
  /** Time of the last sign of life; the run may have lived five minutes longer. */
  readonly aliveAt: number;
  /** Id of the machine's boot; absent on machines without one. */
  readonly bootId?: string;
  /** `"stopped"`, `"fault"`, or other words of the process; absent if it could not store any. */
  readonly ending?: string;
}

/** A run with its id. */
export interface ProcessRun extends LastRun {
  /** Id of the run, as the process chose it. */
  readonly runId: string;
}

/** The runs around a moment. */
export interface RunsAround {
  /** Whether one ran at that moment, as far as the signs of life tell. */
  readonly wasRunning: boolean;
  /** The newest run that had begun by then. If one ran at that moment, it is this one. */
  readonly before?: ProcessRun;
  /** The oldest run that began later. */
  readonly after?: ProcessRun;
}

/** Checks and changes the server and bot of an account. */
export interface StoreOwner {
  /** Whether the account's stored data belongs to another server or bot. */
  isOtherPeer(accountId: AccountId, peer: string): Promise<boolean>;
  /**
   * Sets the server and bot of an account, before its data is read. Data from another server or bot
   * is deleted. Messages from there that wait for a turn, a decision or a send attempt are given
   * up. Another bot has a budget of IDENTIFYs of its own.
   *
   * Pairings and resolved names stay, because the people are the same. Open pairing requests do
   * not, because they belong to a chat with the other bot.
   *
   * @param peer Server and bot in one text without a secret.
   * @returns Whether it is another one than before.
   */
  adoptPeer(accountId: AccountId, peer: string): Promise<boolean>;
}
