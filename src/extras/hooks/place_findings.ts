/** Judges whether the bot may write where hooks and feeds send their events (W3, T15). */

import { titled } from "../../core/checks.ts";
import { pathTo } from "../../core/config_file.ts";
import type { Finding } from "../../core/finding.ts";
import { hookOfFeed, hookText, isEntry, pathOfHook, placeOfHook } from "../../core/hooks/hook.ts";
import { countText } from "../../lib/text/units.ts";
import type { SeenGuild } from "../../flows/preflight/permissions.ts";

const NEEDED: readonly string[] = ["View Channel", "Send Messages"];

type Places = Readonly<Record<string, { readonly to: string }>>;

export function judgeEventPlaces(
  { hooks, feeds }: { readonly hooks: Places; readonly feeds: Places },
  guilds: readonly SeenGuild[],
): readonly Finding[] {
  const ofFeeds = Object.entries(feeds).map(([name, feed]) => [hookOfFeed(name), feed] as const);
  return [
    ...judge("discord.hooks", "hook", Object.entries(hooks), guilds),
    ...judge("discord.feeds", "feed", ofFeeds, guilds),
  ];
}

function judge(
  id: "discord.hooks" | "discord.feeds",
  word: string,
  entries: readonly (readonly [name: string, rules: { readonly to: string }])[],
  guilds: readonly SeenGuild[],
): readonly Finding[] {
  if (entries.length === 0) return [];
  const about = titled(id);
  const channels = guilds.flatMap(({ details }) => details?.channels ?? []);
  const areAllKnown = guilds.every(({ details }) => details !== undefined);
  let unknown = 0;
  const wrong = entries.flatMap(([name, rules]): readonly Finding[] => {
    const to = rules.to === "" ? undefined : placeOfHook(rules); // "": where it happens
    if (to?.kind !== "channel") return [];
    const where = pathTo(pathOfHook(name), isEntry(name) ? "post" : "to");
    const channel = channels.find(({ id }) => id === to.channelId);
    if (channel) {
      const lacking = channel.missing.find(({ permission }) => NEEDED.includes(permission));
      if (!channel.isForum && !lacking) return [];
      const why = channel.isForum ? "it is a forum" : `${lacking?.permission} is missing`;
      return [{
        ...about,
        status: "fail",
        where,
        why: `${hookText(name)} cannot write in #${channel.name}: ${why}`,
        fix: channel.isForum
          ? "name a text channel, or a post of the forum"
          : `give the bot ${lacking?.permission} there`,
      }];
    }
    if (!areAllKnown) {
      unknown++;
      return [];
    }
    return [{
      ...about,
      status: "warn",
      where,
      why: `the place of ${hookText(name)} is no channel that the bot sees; ` +
        "a thread is not checked",
      fix: "correct the id, or invite the bot with `barnacle invite`",
    }];
  });
  if (wrong.length > 0) return wrong;
  const count = countText(entries.length, word);
  return unknown === 0
    ? [{ ...about, status: "pass", why: `${count}: the bot may write in their places` }]
    : [{
      ...about,
      status: "skipped",
      why: `places in servers whose channels are not read: ${unknown} of ${count}`,
    }];
}
