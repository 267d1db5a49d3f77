/**
 * Reads the entries of a feed in RSS, Atom, RDF or JSON.
 *
 * A feed is hostile data: it is read in a thread that ends after a few seconds. Entities that it
 * declares itself are not replaced, so it cannot grow by them.
 */

import { parseFeed } from "feedsmith";
import { hash } from "node:crypto";
import { DOMParser } from "linkedom";
import { bounded } from "../lib/text/cut.ts";
import type { FeedEntry, ReadFeed } from "../core/feed.ts";
import { type MarkdownNode, markdownOf } from "./markdown_of.ts";

interface FeedJob {
  readonly text: string;
  /** Its address, for links relative to it. */
  readonly url: string;
}

/** Maximum number of entries of a feed that are read: the newest. */
const MAX_ENTRIES = 100;
/** Maximum number of older ones, of which only the keys are read. */
const MAX_OLDER = 900;
/** Maximum number of entries whose dates are compared; 2 MB have no more that say anything. */
const MAX_DATED = 10_000;
const MAX_TITLE = 300;
const MAX_LINK = 1_000;
const MAX_SUMMARY = 4_000;
/** Characters of HTML that are read for a summary. */
const MAX_HTML = 50_000;

/** Reads a feed for the thread that was given a {@link FeedJob}. */
export function runFeedJob(job: unknown): ReadFeed {
  const { text, url } = job as FeedJob; // only this program starts the thread
  return feedOf(text, url);
}

/**
 * Reads a feed.
 *
 * @throws {Error} If it is none.
 */
export function feedOf(text: string, url: string): ReadFeed {
  const parsed = parseFeed(withoutLengths(text), { maxItems: MAX_DATED });
  switch (parsed.format) {
    case "rss":
      return {
        title: plain(parsed.feed.title),
        ...newestOf(
          url,
          (parsed.feed.items ?? []).map((item) => ({
            id: item.guid?.value,
            title: item.title,
            link: item.link ??
              (item.guid?.isPermaLink === false ? undefined : wholeLink(item.guid)),
            summary: item.description ?? item.content?.encoded,
            author: item.dc?.creators?.[0] ?? authorOf(item.authors?.[0]),
            date: item.pubDate ?? item.dc?.dates?.[0],
          })),
        ),
      };
    case "atom":
      return {
        title: plain(valueOf(parsed.feed.title)),
        ...newestOf(
          url,
          (parsed.feed.entries ?? []).map((entry) => ({
            id: entry.id,
            title: valueOf(entry.title),
            link: (entry.links?.find(({ rel = "alternate" }) => rel === "alternate") ??
              entry.links?.[0])?.href,
            summary: valueOf(entry.summary) ?? valueOf(entry.content),
            author: entry.authors?.[0]?.name,
            date: entry.published ?? entry.updated,
          })),
        ),
      };
    case "json":
      return {
        title: plain(parsed.feed.title),
        ...newestOf(
          url,
          (parsed.feed.items ?? []).map((item) => ({
            id: item.id,
            title: item.title,
            link: item.url ?? item.external_url,
            summary: item.summary ?? item.content_html ?? item.content_text,
            author: item.authors?.[0]?.name,
            date: item.date_published ?? item.date_modified,
          })),
        ),
      };
    case "rdf":
      return {
        title: plain(parsed.feed.title),
        ...newestOf(
          url,
          (parsed.feed.items ?? []).map((item) => ({
            id: item.rdf?.about,
            title: item.title,
            link: item.link,
            summary: item.description,
            author: item.dc?.creators?.[0],
            date: item.dc?.dates?.[0],
          })),
        ),
      };
  }
}

/**
 * Renames or removes everything named `length`. feedsmith takes an object with it for a list, and 100
 * bytes of a feed would make a list of a billion places. No part of an entry has this name.
 */
function withoutLengths(text: string): string {
  if (!/^[\s\ufeff]*\{/.test(text)) {
    return text.replace(/(<\/?(?:[\w.-]+:)?length)(?=[\s/>])/gi, "$1-");
  }
  try {
    return JSON.stringify(JSON.parse(text, (key, value) => key === "length" ? undefined : value));
  } catch {
    return ""; // no JSON, or too many levels
  }
}

interface WrittenEntry {
  readonly id: unknown;
  readonly title: unknown;
  readonly link: unknown;
  readonly summary: unknown;
  readonly author: unknown;
  readonly date: unknown;
}

/**
 * The newest entries, each once, and the keys of older ones. Without times, the first entry of a feed
 * is its newest.
 */
function newestOf(
  url: string,
  written: readonly WrittenEntry[],
): Pick<ReadFeed, "entries" | "olderKeys"> {
  const inOrder = written.toReversed().map((entry, index) => ({ entry, index, at: timeOf(entry) }))
    .sort((one, other) =>
      one.at !== undefined && other.at !== undefined
        ? one.at - other.at || one.index - other.index
        : one.index - other.index
    ).map(({ entry }) => entry);
  const read = inOrder.slice(-(MAX_ENTRIES + MAX_OLDER)).map((entry) => ({
    entry,
    key: keyOf(url, entry),
  }));
  const shared = sharedKeys(url, read);
  const newest = read.slice(-MAX_ENTRIES).map(({ entry, key }) =>
    entryOf(url, entry, key, shared.has(key))
  );
  return {
    entries: [
      ...new Map(newest.map((one) => [one.sharesKey ? one.wordsKey : one.key, one])).values(),
    ],
    olderKeys: read.slice(0, -MAX_ENTRIES).map(({ entry, key }) =>
      shared.has(key) ? wordsKeyOf(url, entry) : key
    ),
  };
}

/** Keys of several entries that are not the same by their words. */
function sharedKeys(
  url: string,
  read: readonly { readonly entry: WrittenEntry; readonly key: string }[],
): ReadonlySet<string> {
  return new Set(
    [...Map.groupBy(read, ({ key }) => key)].flatMap(([key, same]) =>
      same.length > 1 && new Set(same.map(({ entry }) => wordsKeyOf(url, entry))).size > 1
        ? [key]
        : []
    ),
  );
}

function timeOf({ date }: WrittenEntry): number | undefined {
  const at = typeof date === "string" ? Date.parse(date) : NaN;
  return Number.isFinite(at) ? at : undefined;
}

function keyOf(url: string, { id, link, title, summary }: WrittenEntry): string {
  return digestOf(
    textOf(id) ?? linkOf(link, url) ?? `${plain(title) ?? ""}\n${markdown(summary, url)}`,
  );
}

function wordsKeyOf(url: string, written: WrittenEntry): string {
  const title = plain(written.title) ?? "";
  const words = title === "" ? `\n${markdown(written.summary, url)}` : title;
  return digestOf(`${words}\n${linkOf(written.link, url) ?? ""}\n${timeOf(written) ?? ""}`);
}

function entryOf(
  url: string,
  written: WrittenEntry,
  key: string,
  sharesKey: boolean,
): FeedEntry {
  const link = linkOf(written.link, url);
  const title = plain(written.title) ?? "";
  const publishedAt = timeOf(written);
  return {
    key,
    wordsKey: wordsKeyOf(url, written),
    areWordsEnough: textOf(written.id) !== undefined && title !== "" && link !== undefined &&
      publishedAt !== undefined,
    sharesKey,
    title,
    link,
    summary: markdown(written.summary, url),
    author: plain(written.author),
    publishedAt,
  };
}

function digestOf(text: string): string {
  return hash("sha256", text, "base64url").slice(0, 22);
}

/** The address that an id may be. A number is none, even if the feed says so. */
function wholeLink(id: unknown): string | undefined {
  const text = textOf(valueOf(id));
  return text !== undefined && /^https?:\/\//i.test(text) ? text : undefined;
}

function authorOf(author: unknown): unknown {
  return valueOf(author, "name") ?? author;
}

/** The text of a value that may be an object around it. */
function valueOf(value: unknown, name = "value"): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : value;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;
}

/** In one line, without markup. */
function plain(value: unknown): string | undefined {
  const text = textOf(value);
  if (text === undefined) return undefined;
  const words = /[<&]/.test(text) ? treeOf(text)?.textContent ?? "" : text;
  return bounded(words.toWellFormed().replace(/[\s\p{Cc}]+/gu, " ").trim(), MAX_TITLE) || undefined;
}

function markdown(value: unknown, url: string): string {
  const text = textOf(value);
  if (text === undefined) return "";
  const tree = /[<&]/.test(text) ? treeOf(text) : undefined;
  const words = (tree ? markdownOf(tree, url) : text).toWellFormed();
  return bounded(words.replace(/[^\P{Cc}\n\t]/gu, "").trim(), MAX_SUMMARY);
}

function treeOf(html: string): (MarkdownNode & { readonly textContent: string }) | undefined {
  const document: unknown = new DOMParser().parseFromString(
    `<html><body>${html.slice(0, MAX_HTML)}</body></html>`,
    "text/html",
  );
  const { documentElement } = document as {
    readonly documentElement: (MarkdownNode & { readonly textContent: string }) | null;
  };
  return documentElement ?? undefined;
}

/** An address of the web; others do nothing good in a message. */
function linkOf(value: unknown, base: string): string | undefined {
  const text = textOf(value);
  if (text === undefined || !URL.canParse(text, base)) return undefined;
  const { protocol, href } = new URL(text, base);
  return (protocol === "https:" || protocol === "http:") && href.length <= MAX_LINK
    ? href
    : undefined;
}
