/** `barnacle feeds`: lists the feeds of the config with their state, and polls one now (T15). */

import { parseTarget } from "../../core/outbound/target.ts";
import { toAccountId } from "../../core/discord/ids.ts";
import type { FeedState } from "../../core/feed.ts";
import type { FeedConfig } from "../../config/config.ts";
import { quoted } from "../../lib/text/quoted.ts";
import { timeText } from "../../lib/text/units.ts";
import type { CommonFlags } from "../../cli/shared/command.ts";
import { inColumns } from "../../cli/shared/columns.ts";
import { EXIT, type ExitCode } from "../../cli/shared/exit_code.ts";
import { configBefore } from "../../cli/shared/find_data.ts";
import { readConfigLeniently, tellRefused } from "../../cli/shared/read_config.ts";
import { withStore } from "../../cli/shared/with_store.ts";
import type { Io } from "../../cli/terminal/io.ts";

export async function list(flags: CommonFlags, io: Io): Promise<ExitCode> {
  const loaded = await readConfigLeniently(await configBefore(flags, io), io.env);
  if (tellRefused(loaded, io)) return EXIT.config;
  if (Object.keys(loaded.config.feeds).length === 0 && !flags.json) {
    io.err("The config has no feeds.");
  }
  return await withStore(flags, io, async ({ feeds }) => {
    const rows = feedsOf(loaded.config.feeds, await feeds.list());
    if (flags.json) {
      io.out(JSON.stringify(rows.map(({ name, feed: { url, to, account }, state }) => ({
        name,
        url,
        to,
        account,
        readAt: state?.readAt,
        nextAt: state?.nextAt,
        failures: state?.failures ?? 0,
        problem: state?.problem,
      }))));
      return EXIT.done;
    }
    const lines = inColumns(rows.map(({ name, feed, state }) => [
      name,
      state?.readAt === undefined ? "never read" : `read ${timeText(state.readAt)}`,
      placeText(feed.to),
      feed.url,
    ]));
    for (const [index, line] of lines.entries()) {
      io.out(line);
      const { problem, failures = 0, nextAt = 0 } = rows[index]?.state ?? {};
      if (problem === undefined) continue;
      io.out(`        failed ${failures} times: ${problem}; next attempt ${timeText(nextAt)}`);
    }
    return EXIT.done;
  });
}

export async function poll(
  flags: CommonFlags,
  names: readonly string[],
  io: Io,
): Promise<ExitCode> {
  const loaded = await readConfigLeniently(await configBefore(flags, io), io.env);
  if (tellRefused(loaded, io)) return EXIT.config;
  const { feeds: configured } = loaded.config;
  return await withStore(flags, io, async ({ feeds }) => {
    const polled: string[] = [];
    for (const name of names) {
      const feed = Object.hasOwn(configured, name) ? configured[name] : undefined;
      if (!feed) {
        io.problem(`the config has no feed ${quoted(name)}; \`barnacle feeds list\` shows them`);
        continue;
      }
      await feeds.ask(toAccountId(feed.account), name);
      polled.push(name);
    }
    if (flags.json) io.out(JSON.stringify({ poll: polled }));
    else {for (const name of polled) {
        io.out(`${name} is polled now, or as soon as the bot is online`);
      }}
    return polled.length === names.length ? EXIT.done : EXIT.failed;
  });
}

/** A feed of the config; without a state it was never read. */
interface ListedFeed {
  readonly name: string;
  readonly feed: FeedConfig;
  /** What the last poll left; absent: there was none. */
  readonly state?: FeedState;
}

function feedsOf(
  configured: Readonly<Record<string, FeedConfig>>,
  states: readonly FeedState[],
): readonly ListedFeed[] {
  return Object.entries(configured).map(([name, feed]) => ({
    name,
    feed,
    state: stateOf(name, feed, states),
  }));
}

function stateOf(
  name: string,
  { account, url }: FeedConfig,
  states: readonly FeedState[],
): FeedState | undefined {
  return states.find((one) => one.accountId === account && one.name === name && one.url === url);
}

/** `"channel:123"`, in whatever form the config has it. */
export function placeText(to: string): string {
  const target = parseTarget(to);
  switch (target.kind) {
    case "user":
      return `user:${target.userId}`;
    case "channel":
      return `channel:${target.channelId}`;
    case "problem":
      return to;
  }
}
