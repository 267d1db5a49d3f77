/**
 * Makes readable text of a web page: its article if it has one, otherwise all of its text.
 *
 * A page is hostile data. Its scripts are cut out first, and its number of elements is bounded, so
 * that the tree fits into memory. It runs in a thread that ends after a few seconds, because some
 * pages keep the libraries busy for minutes.
 */

import { Readability } from "@mozilla/readability";
import { DOMParser } from "linkedom";
import { type MarkdownNode, markdownOf } from "./markdown_of.ts";

/** An element, as far as this module reads it; the types of the DOM are not loaded. */
interface PageElement extends MarkdownNode {
  readonly parentElement: PageElement | null;
  readonly firstElementChild: PageElement | null;
  readonly nextElementSibling: PageElement | null;
}

interface PageDocument {
  readonly documentElement: PageElement;
  querySelector(selector: string): PageElement | null;
}

interface PageJob {
  readonly html: string;
  /** Its address, for links relative to it. */
  readonly url: string;
  /** Whether to read all of its text, without a search for an article. */
  readonly isPlain?: boolean;
}

interface PageText {
  /** Absent if the page has none. */
  readonly title?: string;
  readonly text: string;
  /** Whether only the beginning of the page was read. */
  readonly isCut: boolean;
}

/** Maximum number of tags. A tree of 30,000 elements took 60 MB. */
const MAX_TAGS = 40_000;

/**
 * Maximum depth of a page to search for an article. The library's time grows with the cube of the
 * depth: 500 nested elements took it 3 s, and 2,000 took 23 s.
 */
const MAX_DEPTH = 150;

/** Minimum length of an article, in characters; the page's whole text replaces a shorter one. */
const MIN_ARTICLE = 200;

const MAX_TITLE = 300;

/** Elements whose content is no text, and may be most of a page. */
const UNREAD = ["script", "style", "template", "svg", "noscript", "iframe", "object"];

/** Reads a page for the thread that was given a {@link PageJob}. */
export function runPageJob(job: unknown): PageText {
  const { html, url, isPlain } = job as PageJob; // only this program starts the thread
  return pageText({ html, url, isPlain: isPlain || undefined });
}

export function pageText({ html, url, isPlain = false }: PageJob): PageText {
  const { text: read, isCut } = bounded(withoutUnread(html));
  const whole = /<html[\s>]/i.test(read) ? read : `<html><body>${read}</body></html>`;
  const document = parsed(whole);
  const title = titleOf(document);
  const isDeep = depthOf(document.documentElement) > MAX_DEPTH;
  const article = isPlain || isDeep ? undefined : articleOf(document);
  const found = article?.text === undefined ? "" : markdownOf(article.text, url);
  const text = found.length >= MIN_ARTICLE ? found : markdownOf(parsed(whole).documentElement, url);
  const named = title ?? article?.title;
  return { title: named, text, isCut };
}

function parsed(html: string): PageDocument {
  const document: unknown = new DOMParser().parseFromString(html, "text/html");
  return document as PageDocument;
}

/** @returns `undefined` if the page has no article, or one that the library cannot read. */
function articleOf(document: PageDocument) {
  try {
    const article = new Readability<MarkdownNode>(document, {
      charThreshold: MIN_ARTICLE,
      serializer: (node: MarkdownNode) => node,
    }).parse();
    return article?.content
      ? { text: article.content, title: article.title?.trim() || undefined }
      : undefined;
  } catch {
    return undefined; // the library assumes more of a tree than pages keep to
  }
}

/** The depth of a tree, at most one more than {@link MAX_DEPTH}. */
function depthOf(root: PageElement): number {
  let deepest = 0;
  let at: PageElement | null = root;
  for (let depth = 1; at && deepest <= MAX_DEPTH;) {
    deepest = Math.max(deepest, depth);
    if (at.firstElementChild) {
      at = at.firstElementChild;
      depth++;
      continue;
    }
    while (at && !at.nextElementSibling) {
      at = at.parentElement;
      depth--;
    }
    at = at?.nextElementSibling ?? null;
  }
  return deepest;
}

function titleOf(document: PageDocument): string | undefined {
  const title = document.querySelector("title")?.textContent?.replace(/\s+/g, " ").trim();
  return title ? title.slice(0, MAX_TITLE).toWellFormed() : undefined;
}

/** Cuts out elements without text. A search for each tag's end keeps this linear. */
function withoutUnread(html: string): string {
  let rest = cutOut(html, /<!--/g, () => /-->/g);
  for (const name of UNREAD) {
    rest = cutOut(
      rest,
      new RegExp(`<${name}(?=[\\s>/])`, "gi"),
      () => new RegExp(`</${name}\\s*>`, "gi"),
    );
  }
  return rest;
}

/** Cuts out everything from a beginning to the next end; without an end, to the end of the text. */
function cutOut(text: string, begin: RegExp, endOf: () => RegExp): string {
  const kept: string[] = [];
  const end = endOf();
  let from = 0;
  for (;;) {
    begin.lastIndex = from;
    const found = begin.exec(text);
    if (!found) break;
    kept.push(text.slice(from, found.index), " ");
    end.lastIndex = found.index;
    const closed = end.exec(text);
    if (!closed) {
      from = text.length;
      break;
    }
    from = closed.index + closed[0].length;
  }
  kept.push(text.slice(from));
  return kept.join("");
}

/** The beginning of a page, with at most {@link MAX_TAGS} tags and as many entities. */
function bounded(html: string): { readonly text: string; readonly isCut: boolean } {
  const ends = ["<", "&"].map((mark) => endOf(html, mark)).filter((end) => end !== undefined);
  return { text: html.slice(0, Math.min(html.length, ...ends)), isCut: ends.length > 0 };
}

function endOf(html: string, mark: string): number | undefined {
  let at = -1;
  for (let count = 0; count <= MAX_TAGS; count++) {
    at = html.indexOf(mark, at + 1);
    if (at < 0) return undefined;
  }
  return at;
}
