/**
 * Makes readable text of a web page: its article if it has one, otherwise all of its text.
 *
 * A page is hostile data. Its scripts are cut out first, and its number of elements is bounded, so
 * that the tree fits into memory. It runs in a thread that ends after a few seconds, because some
 * pages keep the libraries busy for minutes.
 *
 * Markdown keeps headings, code, links and nested lists. A row of a table is a line with its cells.
 * The writer keeps a stack of its own, because a hostile page nests elements deeper than calls may.
 */

import { Readability } from "@mozilla/readability";
import { DOMParser } from "linkedom";

/** The part of the DOM that this module reads. */
export interface MarkdownNode {
  /** 1: an element; 3: a text. */
  readonly nodeType: number;
  /** Name of the element, in capitals. */
  readonly nodeName: string;
  /** Its text, with that of its children. */
  readonly textContent: string | null;
  /** Its first child. */
  readonly firstChild: MarkdownNode | null;
  /** The next child of its parent. */
  readonly nextSibling: MarkdownNode | null;
  /** An attribute of an element; `null` without it. */
  getAttribute?(name: string): string | null;
}

const ELEMENT = 1;
const TEXT = 3;

/** Elements that are not shown, or that are no part of the text. */
const SKIPPED = new Set([
  "SCRIPT",
  "STYLE",
  "TEMPLATE",
  "NOSCRIPT",
  "SVG",
  "HEAD",
  "TITLE",
  "IFRAME",
  "OBJECT",
  "BUTTON",
  "SELECT",
]);

/** Elements that stand on lines of their own. */
const BLOCKS = new Set(
  ("ADDRESS ARTICLE ASIDE BLOCKQUOTE BODY DD DETAILS DIV DL DT FIELDSET FIGCAPTION FIGURE FOOTER " +
    "FORM H1 H2 H3 H4 H5 H6 HEADER HR HTML LI MAIN NAV OL P PRE SECTION SUMMARY TABLE TBODY TFOOT " +
    "THEAD TR UL").split(" "),
);

const MAX_URL = 500;

/** One part of the walk: a node to enter, or text to write after its children. */
type Task = { readonly enter: MarkdownNode } | { readonly leave: () => void };

function markdownOf(root: MarkdownNode, baseUrl: string): string {
  const out: string[] = [];
  const tasks: Task[] = [{ enter: root }];
  let inPre = 0;
  let listDepth = 0;

  const enter = (node: MarkdownNode): void => {
    if (node.nodeType === TEXT) {
      const text = node.textContent ?? "";
      out.push(inPre > 0 ? text : text.replace(/\s+/g, " "));
      return;
    }
    const name = node.nodeName.toUpperCase();
    if (node.nodeType !== ELEMENT && node.firstChild === null) return;
    if (SKIPPED.has(name) || node.getAttribute?.("hidden") != null) return;
    if (node.getAttribute?.("aria-hidden") === "true") return;
    const leave = begin(name, node);
    tasks.push({ leave });
    const children: Task[] = [];
    for (let child = node.firstChild; child; child = child.nextSibling) {
      children.push({ enter: child });
    }
    for (let at = children.length - 1; at >= 0; at--) {
      const task = children[at];
      if (task) tasks.push(task);
    }
  };

  /** Writes the beginning of an element, and returns how to write its end. */
  function begin(name: string, node: MarkdownNode): () => void {
    const isBlock = BLOCKS.has(name);
    if (isBlock) out.push("\n");
    switch (name) {
      case "H1":
      case "H2":
      case "H3":
      case "H4":
      case "H5":
      case "H6":
        out.push(`\n${"#".repeat(Number(name.charAt(1)))} `);
        return () => out.push("\n\n");
      case "P":
      case "TABLE":
      case "BLOCKQUOTE":
        out.push("\n");
        return () => out.push("\n\n");
      case "UL":
      case "OL":
        listDepth++;
        return () => {
          listDepth--;
          out.push("\n");
        };
      case "LI":
        out.push(`${"  ".repeat(Math.min(8, Math.max(0, listDepth - 1)))}- `);
        return () => {};
      case "BR":
      case "HR":
        out.push("\n");
        return () => {};
      case "TD":
      case "TH":
        return () => out.push(" | ");
      case "PRE":
        inPre++;
        out.push("\n```\n");
        return () => {
          inPre--;
          out.push("\n```\n");
        };
      case "CODE":
        if (inPre > 0) return () => {};
        out.push("`");
        return () => out.push("`");
      case "IMG": {
        const alt = node.getAttribute?.("alt")?.replace(/\s+/g, " ").trim();
        if (alt) out.push(`[image: ${alt.slice(0, 200)}]`);
        return () => {};
      }
      case "A": {
        const link = linkOf(node, baseUrl);
        if (link === undefined) return () => {};
        out.push("[");
        return () => out.push(`](${link})`);
      }
      default:
        return isBlock ? () => out.push("\n") : () => {};
    }
  }

  for (let task = tasks.pop(); task; task = tasks.pop()) {
    if ("enter" in task) enter(task.enter);
    else task.leave();
  }
  return tidied(out.join(""));
}

/** The address of a link that leads elsewhere. */
function linkOf(node: MarkdownNode, baseUrl: string): string | undefined {
  const written = node.getAttribute?.("href");
  if (!written || written.startsWith("#") || !URL.canParse(written, baseUrl)) return undefined;
  const url = new URL(written, baseUrl);
  if (url.protocol !== "http:" && url.protocol !== "https:") return undefined;
  return url.href.length > MAX_URL ? undefined : url.href;
}

function tidied(text: string): string {
  return text.toWellFormed()
    .replace(/\[\s*\]\([^)]*\)/g, "") // links around pictures
    .replace(/[^\S\n]+\n/g, "\n")
    .replace(/\n{3,}/g, "\n\n")
    .replace(/^\s*\n/, "")
    .trimEnd();
}

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
