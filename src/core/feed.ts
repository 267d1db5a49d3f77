/** Feeds of the web in RSS, Atom, RDF or JSON, as the bot polls them (T15). */

import type { AccountId } from "./discord/ids.ts";

/** An entry of a feed. All texts are bounded and untrusted. */
export interface FeedEntry {
  /** Tells the entry from others of its feed, also after it was edited. */
  readonly key: string;
  /** The same by its title, address and time; without a title, by its summary. */
  readonly wordsKey: string;
  /**
   * Whether another entry with the same `wordsKey` is this one: it has an id, a title, an address and a
   * time. Some feeds give an entry another id at each poll.
   */
  readonly areWordsEnough: boolean;
  /** Whether the feed has other entries with its `key`: some feeds give all of them one id. */
  readonly sharesKey: boolean;
  /** Plain text in one line; empty if there is none. */
  readonly title: string;
  /** http or https; absent if it has none. */
  readonly link?: string;
  /** Markdown; empty if there is none. */
  readonly summary: string;
  /** Absent if the feed names none. */
  readonly author?: string;
  /** Unix time in milliseconds; absent if the feed does not tell. */
  readonly publishedAt?: number;
}

export interface ReadFeed {
  /** Absent if it has none. */
  readonly title?: string;
  /** The newest ones, the oldest first. */
  readonly entries: readonly FeedEntry[];
  /** Keys of older ones: they are old also if newer ones disappear from the feed. Absent: none. */
  readonly olderKeys?: readonly string[];
}

/** What a server told about the state of a feed, to ask for a later one only. */
export interface FeedValidators {
  /** The header `ETag`; absent if it sent none. */
  readonly etag?: string;
  /** The header `Last-Modified`; absent if it sent none. */
  readonly lastModified?: string;
}

/** A feed as the config has it, for a fetch. */
export interface FeedSource {
  readonly url: string;
  /** Whether the address may be on the operator's own network. Redirects are not followed then. */
  readonly ownNetwork: boolean;
}

export type FetchedFeed =
  | { readonly kind: "unchanged" }
  | ({ readonly kind: "feed"; readonly feed: ReadFeed } & FeedValidators)
  /** It cannot be read; the reason, in words. */
  | {
    readonly kind: "failed";
    readonly reason: string;
    /** Milliseconds that the server asks to wait; absent if it does not ask. */
    readonly retryAfterMs?: number;
  };

/** Fetches and reads a feed; rejects with the signal's reason alone. */
export type FetchFeed = (
  source: FeedSource,
  validators: FeedValidators,
  signal: AbortSignal,
) => Promise<FetchedFeed>;

export interface FeedState extends FeedValidators {
  readonly accountId: AccountId;
  readonly name: string;
  /** The address that it was read from: entries of another one are all old. */
  readonly url: string;
  /** Unix time in milliseconds of the next poll. */
  readonly nextAt: number;
  /** Unix time in milliseconds of the last poll that succeeded; absent before the first. */
  readonly readAt?: number;
  /** Number of failed polls since then. */
  readonly failures: number;
  /** Why the last poll failed; absent if it did not. */
  readonly problem?: string;
}

export const FEED_PLACEHOLDERS = ["title", "link", "summary", "author", "feed", "date"] as const;
