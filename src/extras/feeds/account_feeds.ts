/**
 * Connects an account's feeds with the config, the web and Discord (T15). Without a feed, none of
 * their code is loaded.
 */

import type { AccountContext } from "../../bot/account_context.ts";
import type { AccountPart, AccountServices } from "../../bot/bot_extra.ts";
import type { Finding } from "../../core/finding.ts";
import type { ConfiguredFeed, FeedRunner } from "./runner.ts";
import { latest } from "../../lib/cache.ts";
import { createLoader } from "../../lib/loader.ts";
import { textRulesOf } from "../../bot/rules/turn_rules.ts";

interface PostedFeed extends ConfiguredFeed {
  readonly to: string;
  readonly template: string;
}

/** Creates the feeds of an account; none is polled before `start`. */
export function createAccountFeeds(
  account: AccountContext,
  { client, reader, web, cleanSecrets }: AccountServices,
): AccountPart {
  const { accountId, config } = account;
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
  let isOn = false;
  let loaded: FeedRunner | undefined;

  const runner = createLoader(async () => {
    const { createFeedRunner } = await import("./runner.ts");
    const { composeFeedNews, feedEvent } = await import("./compose.ts");
    const { createPlaceOfEvents } = await import("../../bot/outbound/event_places.ts");
    const placeOf = createPlaceOfEvents(account, { client, reader });
    return loaded = createFeedRunner<PostedFeed>(account.forPart("feeds"), {
      feeds: feedsNow,
      readFeed: web.feed,
      placeOf,
      eventOf: (feed, news) => feedEvent({ ...feed, accountId }, news, config().texts),
      answerEvents: account.events.emit.hookStored,
      compose: (feed, news, place) =>
        composeFeedNews(
          { ...feed, ...place, accountId },
          news,
          textRulesOf(config(), { cleanSecrets, uploadLimit: 0 }),
        ),
    });
  });

  async function begin(): Promise<void> {
    if (feedsNow().length === 0) return;
    const feeds = await runner.get();
    if (isOn) feeds.start();
  }

  function changed(): void {
    if (loaded) return loaded.changed();
    begin().catch((error: unknown) => log.error("Cannot poll feeds", { error }));
  }

  return {
    /** Begins to poll, once the account is online. */
    start(): void {
      if (isOn) return;
      isOn = true;
      changed();
    },
    /** The config has changed, or a command has asked for a poll. */
    reconfigured: changed,
    namespaces: ["feeds"],
    /** Feeds that cannot be read, for health. */
    findings: (): readonly Finding[] => loaded?.findings() ?? [],
    /** Polls no more, and resolves once the current poll has ended. */
    async stop(): Promise<void> {
      isOn = false;
      await (await runner.loading())?.stop();
    },
  };
}
