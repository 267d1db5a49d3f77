/** The contract of `store.feeds`: the state of each feed, and its entries that were seen (T15). */

import type { AccountId } from "../discord/ids.ts";
import type { FeedState, FeedValidators } from "../feed.ts";
import type { HookEvent, NewHookEvent } from "../hooks/hook.ts";
import type { Frozen } from "../outbound/outbound.ts";

/** All methods of `store.feeds`. */
export interface Feeds {
  /** The feeds of an account that were polled once, by name; of all accounts, if none is given. */
  list(accountId?: AccountId): Promise<readonly FeedState[]>;
  /**
   * Finds the entries that are new.
   *
   * @param keys Keys of the entries that the feed has now.
   * @returns Those that were never seen; `"first"` if the feed was not polled before at this address,
   * or not since the store was restored.
   */
  unseen(feed: FeedName, keys: readonly string[]): Promise<ReadonlySet<string> | "first">;
  /**
   * Records a poll that succeeded, with the messages or events about new entries, in one transaction. An entry
   * that another poll has recorded meanwhile adds none.
   */
  record(poll: RecordedPoll, now: number): Promise<void>;
  /** Makes a feed due now. @returns Whether it was ever polled; else it is due anyway. */
  ask(accountId: AccountId, name: string): Promise<boolean>;
  /** Records a poll that failed. */
  fail(feed: FeedName, problem: string, nextAt: number): Promise<void>;
}

/** A feed of the config. */
export interface FeedName {
  readonly accountId: AccountId;
  readonly name: string;
  readonly url: string;
}

/** A poll that succeeded. */
export interface RecordedPoll extends FeedName, FeedValidators {
  readonly nextAt: number;
  /** Keys of all entries that the feed has; absent if the server says that it has not changed. */
  readonly seen?: readonly string[];
  /** The messages about new entries, in order; each has a nonce of its own. */
  readonly messages: readonly Frozen[];
  /** New entries that an agent reads, as events (W2), in order; absent: none. */
  readonly events?: readonly FeedEvent[];
}

/** An entry as an event, with its id. */
export type FeedEvent = NewHookEvent & Pick<HookEvent, "messageId">;
