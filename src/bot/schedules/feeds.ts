/**
 * Connects an account's feeds with the config, the web and Discord (T15). Without a feed, none of
 * their code is loaded.
 *
 * A feed runs in the partition of its place (O16). So before the first poll, Discord tells the guild of
 * a channel, unless this partition has it.
 */

import type { AccountContext } from "../account_context.ts";
import type { ChannelId, GuildId } from "../../core/discord/ids.ts";
import { type Partition, partitionOf } from "../../core/discord/partition.ts";
import type { Finding } from "../../core/finding.ts";
import { placeOfHook } from "../../core/hooks/hook.ts";
import type { WebPort } from "../../core/turn/ports/host.ts";
import type { Reader } from "../../discord/gateway/read/reader.ts";
import type { RestClient } from "../../discord/rest/client/client.ts";
import type { ConfiguredFeed, FeedRunner } from "../../flows/feeds/runner.ts";
import { latest } from "../../lib/cache.ts";
import { createLoader } from "../../lib/loader.ts";
import { textRulesOf } from "../rules/turn_rules.ts";

/** Milliseconds until Discord is asked again for the guild of a channel. */
const RETRY_MS = 60_000;

/** The same for a channel that the bot does not see. */
const UNSEEN_MS = 10 * 60_000;

/** A feed with its place and its template. */
interface PostedFeed extends ConfiguredFeed {
  readonly to: string;
  readonly template: string;
}

/**
 * Creates the feeds of an account; none is polled before `start`. The function is long because its inner
 * functions share one state: the places, and whether the feeds are on.
 */
export function createAccountFeeds(
  account: AccountContext,
  { client, reader, partition, guildOfChannel, web, cleanSecrets, answerEvents }: {
    readonly client: RestClient;
    readonly reader: Pick<Reader, "index">;
    readonly partition: Partition;
    /** The guild of a channel; rejects if Discord does not answer. */
    readonly guildOfChannel: (channelId: ChannelId) => Promise<GuildId | undefined>;
    readonly web: Pick<WebPort, "feed">;
    readonly cleanSecrets: (text: string) => string;
    /** Entries for an agent are stored, as events of a hook. */
    readonly answerEvents: () => void;
  },
) {
  const { accountId, config, schedule } = account;
  const { log } = account.forPart("feeds");
  const feedsNow = latest(
    config,
    ({ feeds }) =>
      Object.entries(feeds).filter(([, feed]) => feed.account === accountId).map(
        ([name, { everyMin, ...feed }]): PostedFeed => ({
          ...feed,
          name,
          everyMs: everyMin * 60_000,
        }),
      ),
  );
  /** The partition of each place, as far as it is known. */
  const placed = new Map<string, number>();
  /** Places that the bot does not see yet. */
  const unseen = new Set<string>();
  let isOn = false;
  let loaded: FeedRunner | undefined;
  let cancel: (() => void) | undefined;

  const ownFeeds = (): readonly PostedFeed[] =>
    partition.count === 1
      ? feedsNow()
      : feedsNow().filter(({ to }) => placed.get(to) === partition.index);

  /** A channel that the bot does not see belongs to partition 0, which tells why it posts nothing. */
  async function place(): Promise<void> {
    if (partition.count === 1) return;
    for (const { to } of feedsNow()) {
      if (placed.has(to) && !unseen.has(to)) continue;
      const target = placeOfHook({ to });
      const guildId = target.kind === "channel"
        ? await guildOfChannel(target.channelId)
        : undefined;
      placed.set(to, partitionOf(guildId, partition));
      if (target.kind === "channel" && guildId === undefined) unseen.add(to);
      else unseen.delete(to);
    }
    if (unseen.size > 0 && isOn) cancel = schedule(changed, UNSEEN_MS);
  }

  const runner = createLoader(async () => {
    const { createFeedRunner } = await import("../../flows/feeds/runner.ts");
    const { composeFeedNews, feedEvent } = await import("../../render/feed.ts");
    const { createPlaceOfEvents } = await import("../hooks/event_places.ts");
    const placeOf = createPlaceOfEvents(account, { client, reader });
    return loaded = createFeedRunner<PostedFeed>(account.forPart("feeds"), {
      feeds: ownFeeds,
      readFeed: web.feed,
      async placeOf(feed) {
        const found = await placeOf(feed);
        if (found.kind === "refused" || partition.count === 1) return found;
        const index = partitionOf(found.guildId, partition);
        if (index === partition.index) return found;
        placed.set(feed.to, index); // the bot did not see the channel before
        return { kind: "refused", reason: `partition ${index} has the channel` };
      },
      eventOf: (feed, news) => feedEvent({ ...feed, accountId }, news, config().texts),
      answerEvents,
      compose: (feed, news, place) =>
        composeFeedNews(
          { ...feed, ...place, accountId },
          news,
          textRulesOf(config(), { cleanSecrets, uploadLimit: 0 }),
        ),
    });
  });

  async function begin(): Promise<void> {
    if (!isOn) return;
    await place();
    if (loaded) return loaded.changed();
    if (ownFeeds().length === 0) return;
    const feeds = await runner.get();
    if (isOn) feeds.start();
  }

  function changed(): void {
    if (loaded && partition.count === 1) return loaded.changed();
    cancel?.();
    begin().catch((error: unknown) => {
      log.error("Cannot poll feeds; will try again", { error });
      if (isOn) cancel = schedule(changed, RETRY_MS);
    });
  }

  return {
    /** Begins to poll, once the account is online. */
    start(): void {
      if (isOn) return;
      isOn = true;
      changed();
    },
    /** The config has changed, or a command has asked for a poll. */
    changed,
    /** Feeds that cannot be read, for health. */
    findings: (): readonly Finding[] => loaded?.findings() ?? [],
    /** Polls no more, and resolves once the current poll has ended. */
    async stop(): Promise<void> {
      isOn = false;
      cancel?.();
      await (await runner.loading())?.stop();
    },
  };
}
