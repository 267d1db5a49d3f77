/**
 * Composes messages about new entries of a feed (T15).
 *
 * Other people write a feed. So its words are shown as they are, without markup, and ping no one. Only
 * the address of an entry is a link.
 */

import { hash } from "node:crypto";
import type { AccountId, ChannelId, GuildId } from "../../core/discord/ids.ts";
import type { FEED_PLACEHOLDERS, FeedEntry } from "../../core/feed.ts";
import {
  HOOK_POST_CHARS,
  HOOK_TEXT_CHARS,
  hookOfFeed,
  type NewHookEvent,
} from "../../core/hooks/hook.ts";
import type { Frozen } from "../../core/outbound/outbound.ts";
import { bounded, clip } from "../../lib/text/cut.ts";
import { readerTime } from "../../lib/text/units.ts";
import { notice, type Texts } from "../../render/notices/notices.ts";
import { composeOnce, type TextRules } from "../../render/reply.ts";

export type FeedNews =
  | { readonly kind: "entry"; readonly entry: FeedEntry; readonly feedTitle?: string }
  /** Further new entries that are not posted one by one; `key` is that of the newest. */
  | {
    readonly kind: "more";
    readonly count: number;
    readonly key: string;
    readonly feedTitle?: string;
  };

interface FeedMessage {
  readonly accountId: AccountId;
  readonly channelId: ChannelId;
  /** Absent in direct messages. */
  readonly guildId?: GuildId;
  readonly name: string;
  readonly url: string;
  readonly template: string;
}

/** Maximum characters of a summary in a message. */
const MAX_SUMMARY = 1_000;

/** Composes the messages. Their nonces depend on the entry alone, so none is posted twice. */
export function composeFeedNews(
  { accountId, channelId, guildId, name, url, template }: FeedMessage,
  news: FeedNews,
  rules: TextRules,
): readonly Frozen[] {
  const feed = asWords(news.feedTitle ?? name);
  const text = news.kind === "entry"
    ? filled(template, { ...partsOf(news.entry), feed })
    : notice("feedMore", { count: news.count, feed }, rules.texts);
  const key = news.kind === "entry" ? news.entry.key : `more:${news.key}`;
  const callKey = `feed:${accountId}:${name}:${hash("sha256", url, "hex").slice(0, 16)}:${key}`;
  return composeOnce({ accountId, channelId, guildId, text }, callKey, rules);
}

/** Makes the event of an entry that an agent reads, once for each entry of an address. */
export function feedEvent(
  { accountId, name, url, template }: Pick<FeedMessage, "accountId" | "name" | "url" | "template">,
  news: FeedNews,
  texts: Texts,
): NewHookEvent {
  const feed = asWords(news.feedTitle ?? name);
  const of = hash("sha256", url, "hex").slice(0, 16);
  const base = { accountId, hook: hookOfFeed(name), key: "", title: "", isEnd: false };
  if (news.kind === "more") {
    const post = notice("feedMore", { count: news.count, feed }, texts);
    const text = `${news.count} further new entries are not listed.`;
    return { ...base, senderId: `${of}:more:${news.key}`, text, post };
  }
  const { entry: { key, title, link, author, summary, publishedAt } } = news;
  const facts = [
    ["feed", news.feedTitle],
    ["title", title],
    ["link", link],
    ["author", author],
    ["date", publishedAt === undefined ? undefined : new Date(publishedAt).toISOString()],
  ].flatMap(([what, value]) => value ? [`${what}: ${value}`] : []);
  return {
    ...base,
    senderId: `${of}:${key}`,
    text: clip(`${facts.join("\n")}\n\n${summary}`.trim(), HOOK_TEXT_CHARS),
    post: bounded(filled(template, { ...partsOf(news.entry), feed }), HOOK_POST_CHARS),
  };
}

type EntryParts = Readonly<Record<(typeof FEED_PLACEHOLDERS)[number], string>>;

function partsOf(
  { title, link = "", summary, author = "", publishedAt }: FeedEntry,
): Omit<EntryParts, "feed"> {
  const text = summary.replace(/!?\[([^\]\n]*)\]\([^)\s]*\)/g, "$1").replace(/^#+ /gm, "");
  return {
    title: asWords(title || clip(text.replace(/\s+/g, " "), MAX_TITLE) || link),
    link: link.replace(/[<>\s]/g, ""),
    summary: asWords(clip(text, MAX_SUMMARY)),
    author: asWords(author),
    date: publishedAt === undefined ? "" : readerTime(publishedAt, "f"),
  };
}

/** Characters of a summary that stands for a missing title. */
const MAX_TITLE = 100;

/** The template with its parts. A line that has placeholders, and nothing in them, is left out. */
function filled(template: string, parts: EntryParts): string {
  const values: ReadonlyMap<string, string> = new Map(Object.entries(parts));
  const lines = template.split("\n").flatMap((line) => {
    const names = Array.from(line.matchAll(/\{(\w+)\}/g), ([, name = ""]) => name);
    if (names.length > 0 && names.every((name) => !values.get(name))) return [];
    return [line.replace(/\{(\w+)\}/g, (written, name: string, at: number) => {
      const value = values.get(name) ?? written;
      // In a link of Markdown, a bracket would end the address.
      return name === "link" && line[at - 1] === "("
        ? value.replaceAll("(", "%28").replaceAll(")", "%29")
        : value;
    })];
  });
  return lines.join("\n").trim() || parts.title || parts.feed;
}

/** The text without a meaning for Discord: no markup, no mentions, no links. */
function asWords(text: string): string {
  return text.replace(/[\u202a-\u202e\u2066-\u2069]/g, "") // they turn the words behind them
    .replace(/[\\`*_~|[\]<>#@:]|^\s*-(?= )/gm, (one) => `\\${one.trim()}`)
    .replace(/^(\s*\d+)\.(?= )/gm, "$1\\.")
    .replace(/(https?)\\:\/\//gi, "$1\\:/\u200b/");
}
