/** Values of `store.feeds`: polls of feeds, and new entries (T15). */

import type { AccountId } from "../discord/ids.ts";
import type { FeedValidators } from "../feed.ts";
import type { HookEvent, NewHookEvent } from "../hooks/hook.ts";
import type { Frozen } from "../outbound/outbound.ts";

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
