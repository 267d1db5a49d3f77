/**
 * Polls the feeds of an account, and posts their new entries (T15).
 *
 * One timer waits for the next poll. A poll stores the entries that it has seen together with the
 * messages about them. So a crash posts no entry twice, and the first poll of a feed posts none.
 */

import type { Account } from "../../core/account/account.ts";
import type { Emits } from "../../core/account/events.ts";
import { type ChannelId, type GuildId, snowflakeAt } from "../../core/discord/ids.ts";
import type {
  FeedEntry,
  FeedSource,
  FeedState,
  FetchedFeed,
  FetchFeed,
  ReadFeed,
} from "../../core/feed.ts";
import type { Finding } from "../../core/finding.ts";
import type { Frozen } from "../../core/outbound/outbound.ts";
import type { NewHookEvent, NumberedEvent } from "../../core/hooks/hook.ts";
import type { FeedNews } from "./compose.ts";
import { DAY_MS } from "../../lib/clock.ts";
import { createWaker } from "../../lib/waker.ts";
import type { Feeds } from "../../store/feeds/feeds.ts";

export interface ConfiguredFeed extends FeedSource {
  readonly name: string;
  /** Milliseconds between two polls. */
  readonly everyMs: number;
  /** Maximum number of entries that one poll posts. */
  readonly most: number;
  /** Whether an agent reads new entries, as events of a hook. */
  readonly model: boolean;
}

interface FeedPlace {
  readonly channelId: ChannelId;
  /** Absent in direct messages. */
  readonly guildId?: GuildId;
}

export interface FeedRunner {
  /** Begins to poll, once the account is online. Later calls do nothing. */
  start(): void;
  /** The config has changed, or a command has asked for a poll. */
  changed(): void;
  /** Feeds that cannot be read, for health. */
  findings(): readonly Finding[];
  /** Polls no more, and resolves once the current poll has ended. */
  stop(): Promise<void>;
}

/** Milliseconds of the first poll after a start, so that a start has no other work. */
const FIRST_MS = 5_000;
/** Milliseconds until work is tried again that the store or Discord has refused. */
const RETRY_MS = 60_000;
/** Maximum milliseconds between two attempts of a feed that fails. */
const MAX_BACKOFF_MS = DAY_MS;
/** Longest delay of the timer: a clock that is set, or a computer that slept, is noticed by then. */
const MAX_WAIT_MS = 10 * 60_000;
const IDS_PER_MS = 2 ** 22;
/** Failed polls after which health tells of a feed. */
const TOLD_FAILURES = 3;

/** Stored among the keys of a feed: entries have shared this key, so their words tell them apart. */
function noteOfShared({ key }: FeedEntry): string {
  return `shared:${key}`;
}

/**
 * Creates the polls of one account; nothing happens before `start`. The function is longer than most,
 * because its inner functions share one state: the timer, and what the store knows of each feed.
 */
export function createFeedRunner<Feed extends ConfiguredFeed>(
  { accountId, store: { feeds: store }, events, schedule, now, random, log }:
    & Pick<
      Account<{ readonly feeds: Feeds }>,
      "accountId" | "store" | "schedule" | "now" | "random" | "log"
    >
    & Emits<"outbox">,
  { feeds, readFeed, placeOf, compose, eventOf, answerEvents }: {
    /** The feeds of the account, as the config has them now. */
    readonly feeds: () => readonly Feed[];
    readonly readFeed: FetchFeed;
    /** Finds the place of a feed. @throws {unknown} If Discord does not answer, as a rejection. */
    readonly placeOf: (feed: Feed) => Promise<
      | ({ readonly kind: "place" } & FeedPlace)
      /** The bot may not write there; `reason` is for the operator. */
      | { readonly kind: "refused"; readonly reason: string }
    >;
    /** Composes the messages about an entry, or about entries that were too many. */
    readonly compose: (
      feed: Feed,
      what: FeedNews,
      place: FeedPlace,
    ) => readonly Frozen[];
    /** Makes an event of an entry, or of entries that were too many. */
    readonly eventOf: (feed: Feed, what: FeedNews) => NewHookEvent;
    readonly answerEvents: () => void;
  },
): FeedRunner {
  const ending = new AbortController();
  let states = new Map<string, FeedState>();
  const waker = createWaker({
    run: pollAll,
    failed(error) {
      if (!ending.signal.aborted) log.error("Cannot poll feeds; will try again", { error });
      return RETRY_MS;
    },
    schedule,
  });

  /** @returns Milliseconds until the next poll; `undefined` without feeds. */
  async function pollAll(): Promise<number | undefined> {
    const configured = feeds();
    if (configured.length === 0) return undefined;
    await readStates();
    for (const feed of configured) {
      ending.signal.throwIfAborted();
      if (nextOf(feed) <= now()) await poll(feed, stateOf(feed));
    }
    await readStates();
    const waitMs = Math.min(...configured.map(nextOf)) - now();
    return Math.min(MAX_WAIT_MS, Math.max(1_000, waitMs));
  }

  async function readStates(): Promise<void> {
    states = new Map((await store.list(accountId)).map((state) => [state.name, state]));
  }

  /** The state of a feed; absent if the store has that of another address. */
  function stateOf({ name, url }: ConfiguredFeed): FeedState | undefined {
    const state = states.get(name);
    return state?.url === url ? state : undefined;
  }

  /** A shorter interval of the config counts at once. A clock that was set back delays no poll. */
  function nextOf(feed: ConfiguredFeed): number {
    const state = stateOf(feed);
    if (!state) return 0;
    const { readAt, nextAt, failures } = state;
    if (failures > 0 || readAt === undefined) return nextAt > now() + MAX_BACKOFF_MS ? 0 : nextAt;
    return readAt > now() ? 0 : Math.min(nextAt, readAt + feed.everyMs);
  }

  async function poll(feed: Feed, state: FeedState | undefined): Promise<void> {
    const { name, url, everyMs } = feed;
    const named = { accountId, name, url };
    try {
      const isKnown = state?.readAt !== undefined && await store.unseen(named, []) !== "first";
      const { etag, lastModified } = isKnown && state ? state : {};
      const answer = await readFeed(feed, { etag, lastModified }, ending.signal);
      if (answer.kind === "failed") return await failed(feed, state, answer);
      const nextAt = now() + everyMs;
      if (answer.kind === "unchanged") {
        await store.record({ ...named, etag, lastModified, nextAt, messages: [] }, now());
        return;
      }
      const { entries, olderKeys = [] } = answer.feed;
      const keys = entries.flatMap(({ key, wordsKey }) => [key, wordsKey]);
      const unseen = await store.unseen(named, [...keys, ...entries.map(noteOfShared)]);
      const isShared = (entry: FeedEntry) =>
        entry.sharesKey || unseen !== "first" && !unseen.has(noteOfShared(entry));
      const seen = [...olderKeys, ...keys, ...entries.filter(isShared).map(noteOfShared)];
      const news = newsOf(feed, answer.feed, unseen, isShared);
      // At the first poll, the operator learns of a wrong place, before there is an entry for it.
      const place = unseen === "first" || news.length > 0 ? await placeOf(feed) : undefined;
      if (place?.kind === "refused") {
        // The entries are new once the bot may write there.
        return await failed(feed, state, { kind: "failed", reason: place.reason });
      }
      const messages = feed.model || !place
        ? []
        : news.flatMap((what) => compose(feed, what, place));
      const found = feed.model ? eventsOf(feed, news) : [];
      const validators = { etag: answer.etag, lastModified: answer.lastModified };
      await store.record({ ...named, ...validators, nextAt, seen, messages, events: found }, now());
      if (found.length > 0) answerEvents();
      const [first] = messages;
      if (first) events.emit.outbox([first.message.channelId]);
      if (state && state.failures > 0) log.info("A feed can be read again", { feed: name });
    } catch (error) {
      ending.signal.throwIfAborted();
      await failed(feed, state, {
        kind: "failed",
        reason: error instanceof Error ? error.message : String(error),
      });
    }
  }

  function newsOf(
    feed: Feed,
    { title: feedTitle, entries }: ReadFeed,
    unseen: ReadonlySet<string> | "first",
    isShared: (entry: FeedEntry) => boolean,
  ): readonly FeedNews[] {
    const news = unseen === "first" ? [] : entries.flatMap((entry) => {
      const { key, wordsKey, areWordsEnough } = entry;
      if (isShared(entry)) return unseen.has(wordsKey) ? [{ ...entry, key: wordsKey }] : [];
      return unseen.has(key) && (!areWordsEnough || unseen.has(wordsKey)) ? [entry] : [];
    });
    const newest = news.at(-1);
    if (!newest) return [];
    const count = Math.max(0, news.length - feed.most);
    return [
      ...news.slice(count).map((entry) => ({ kind: "entry" as const, entry, feedTitle })),
      ...(count > 0 ? [{ kind: "more" as const, count, key: newest.key, feedTitle }] : []),
    ];
  }

  /** The hooks' run path answers them, so they share its fence, tools, budget and rate (T15). */
  function eventsOf(feed: Feed, news: readonly FeedNews[]): readonly NumberedEvent[] {
    const first = Math.floor(random() * (IDS_PER_MS - news.length));
    return news.map((what, index) => ({
      ...eventOf(feed, what),
      messageId: snowflakeAt<"message">(now(), first + index),
    }));
  }

  async function failed(
    { name, url, everyMs }: ConfiguredFeed,
    state: FeedState | undefined,
    { reason, retryAfterMs = 0 }: FetchedFeed & { readonly kind: "failed" },
  ): Promise<void> {
    const failures = (state?.failures ?? 0) + 1;
    const waitMs = Math.max(retryAfterMs, Math.min(MAX_BACKOFF_MS, everyMs * 2 ** (failures - 1)));
    log.warn("Cannot read or post a feed; will try again", { feed: name, reason, failures });
    await store.fail({ accountId, name, url }, reason, now() + waitMs);
  }

  return {
    start: () => waker.start(FIRST_MS),
    changed: waker.wake,
    findings: () =>
      feeds().flatMap((feed) => {
        const { failures = 0, problem } = stateOf(feed) ?? {};
        if (failures < TOLD_FAILURES) return [];
        return [{
          id: "feeds",
          what: "Feeds",
          status: "warn",
          fix:
            "correct `feeds.<feed>` in the config, or its place at Discord; `barnacle feeds list` shows " +
            "the state of each",
          why: `the feed ${feed.name} failed ${failures} times: ${problem}`,
        }];
      }),
    async stop() {
      ending.abort();
      await waker.stop();
    },
  };
}
