/**
 * Reads pages of the public internet for tools.
 *
 * A page's text stays in memory for some minutes, so that its parts fit together and cost one
 * request.
 *
 * A search engine (T9) is a SearXNG of the operator, or Brave. The operator chose its address, so
 * it may be on a private network, and behind a proxy.
 */

import { lookup } from "node:dns/promises";
import { networkInterfaces } from "node:os";
import type { SearchHit, WebPage } from "../core/turn/host.ts";
import type { Clock } from "../lib/clock.ts";
import { isPublicAddress } from "../lib/network/addresses.ts";
import { fetchPlain, readBody } from "../lib/network/fetch_plain.ts";
import { isRecord } from "../lib/text/quoted.ts";
import { fetchFile, fetchText } from "./fetch_text.ts";
import { type GuardedRequest, WebError } from "./guarded_get.ts";

export interface SearchEngine {
  readonly kind: "searxng" | "brave";
  /** Base address without a slash at its end; the vendor's if absent. */
  readonly url?: string;
  /** Its key, a secret; absent if it needs none. */
  readonly apiKey?: string;
}

const BRAVE = "https://api.search.brave.com";

const TIMEOUT_MS = 15_000;

const MAX_BYTES = 2_000_000;
const MAX_TITLE = 200;
const MAX_EXCERPT = 500;
const MAX_URL = 1_000;

/**
 * Searches.
 *
 * @param most Maximum number of results, from 1 to 20.
 * @returns The best first.
 * @throws {WebError} If the engine fails; the reason is for the model, without address and key.
 */
export async function searchWeb(
  engine: SearchEngine,
  query: string,
  most: number,
  { fetch, signal }: { readonly fetch: typeof globalThis.fetch; readonly signal: AbortSignal },
): Promise<readonly SearchHit[]> {
  const { url, headers } = requestTo(engine, query, most);
  const stop = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
  let response: Response;
  try {
    response = await fetchPlain(fetch, url, { headers, signal: stop, redirect: "manual" });
  } catch (cause) {
    signal.throwIfAborted();
    throw new WebError("the search engine does not answer", { cause });
  }
  if (!response.ok) {
    await response.body?.cancel();
    const isHint = engine.kind === "searxng" && response.status === 403;
    throw new WebError(
      `the search engine answered with status ${response.status}` +
        (isHint ? '; the operator must add "json" to its search.formats' : ""),
    );
  }
  const answer = await jsonOf(response, signal, stop);
  const list = engine.kind === "searxng" ? at(answer, "results") : at(at(answer, "web"), "results");
  if (!Array.isArray(list)) {
    if (engine.kind === "brave" && isRecord(answer)) return []; // it leaves the list out
    throw new WebError("the search engine's answer has no results in it");
  }
  const excerpt = engine.kind === "searxng" ? "content" : "description";
  return list.flatMap((one) => foundIn(one, excerpt)).slice(0, most);
}

function requestTo({ kind, url, apiKey }: SearchEngine, query: string, most: number) {
  const headers: Record<string, string> = { accept: "application/json" };
  if (kind === "searxng") {
    const to = new URL(`${url ?? ""}/search`);
    to.search = String(new URLSearchParams({ q: query, format: "json" }));
    if (apiKey !== undefined) headers["authorization"] = `Bearer ${apiKey}`;
    return { url: to, headers };
  }
  const to = new URL(`${url ?? BRAVE}/res/v1/web/search`);
  to.search = String(new URLSearchParams({ q: query, count: String(most) }));
  if (apiKey !== undefined) headers["x-subscription-token"] = apiKey;
  return { url: to, headers };
}

/** @param stop Aborts with the signal, and after the time limit. */
async function jsonOf(
  { body }: Response,
  signal: AbortSignal,
  stop: AbortSignal,
): Promise<unknown> {
  const tooLarge = () => new WebError("the search engine's answer is too large");
  try {
    const bytes = await readBody(body, { maxBytes: MAX_BYTES, tooLarge, signal: stop });
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof WebError) throw cause;
    if (stop.aborted) throw new WebError("the search engine does not answer", { cause });
    throw new WebError("the search engine's answer is no JSON", { cause });
  }
}

function foundIn(written: unknown, excerpt: string): readonly SearchHit[] {
  const url = at(written, "url");
  if (typeof url !== "string" || url.length > MAX_URL || !/^https?:/i.test(url)) return [];
  return [{
    url,
    title: lineOf(at(written, "title"), MAX_TITLE),
    excerpt: lineOf(at(written, excerpt), MAX_EXCERPT),
  }];
}

/** One line of plain text; Brave marks words of the query in HTML. */
function lineOf(written: unknown, most: number): string {
  if (typeof written !== "string") return "";
  return written.slice(0, 10_000).replace(/<\/?[a-z][^<>]{0,40}>/gi, "").replace(/\s+/g, " ").trim()
    .slice(0, most).toWellFormed();
}

function at(value: unknown, name: string): unknown {
  return isRecord(value) ? value[name] : undefined;
}

/** Milliseconds to find a page's article, and then to read all of its text instead. */
const READ_MS = 5_000;

const KEPT_MS = 10 * 60_000;
const KEPT_PAGES = 16;
const KEPT_CHARS = 4_000_000;

/** Searches and reads the web for tools; nothing is kept yet. */
export function createWebPages({ runJob, version, now, engine, guard }: Clock & {
  readonly runJob: (
    job: unknown,
    timeoutMs: number,
    signal: AbortSignal,
  ) => Promise<{ readonly kind: string; readonly result?: unknown }>;
  readonly version: string;
  /** The search engine of the config; `undefined` if there is none. */
  readonly engine: () => SearchEngine | undefined;
  /** Replaces the public internet in tests. */
  readonly guard?: Omit<GuardedRequest, "userAgent">;
}) {
  const asked: GuardedRequest = {
    ...(guard ?? PUBLIC_INTERNET),
    userAgent: `Mozilla/5.0 (compatible; Barnacle/${version})`,
  };
  const kept = createKeptPages(now);

  return {
    /**
     * Searches the web by the operator's search engine (T9).
     *
     * @returns The best first.
     * @throws {Error} If there is no engine, or it fails, with the reason for the model.
     */
    async search(
      query: string,
      most: number,
      signal: AbortSignal,
    ): Promise<readonly SearchHit[]> {
      const asked = engine();
      if (!asked) throw new WebError("the operator has taken the search engine away");
      return await searchWeb(asked, query, most, { fetch, signal });
    },
    /** Reads a file of any type of the public internet; otherwise as `page`. */
    async file(url: string, maxBytes: number, signal: AbortSignal): Promise<WebFile> {
      const { bytes, contentType, url: from } = await fetchFile(url, maxBytes, asked, signal);
      return { url: from, contentType, bytes: new Uint8Array(bytes) };
    },
    /**
     * Reads a page of the public internet (SEC-R23).
     *
     * @throws {Error} If it cannot be read, with the reason for the model; as a rejection.
     */
    async page(url: string, signal: AbortSignal): Promise<WebPage> {
      const known = kept.get(url);
      if (known) return known;
      const { isHtml, text, url: from } = await fetchText(url, asked, signal);
      const page = isHtml ? await read(text, from) : { url: from, text, isCut: false };
      kept.add(url, page);
      return page;

      async function read(html: string, at: string): Promise<WebPage> {
        const job = { kind: "page", html, url: at };
        let end = await runJob(job, READ_MS, signal);
        if (end.kind !== "done") end = await runJob({ ...job, isPlain: true }, READ_MS, signal);
        const found = end.kind === "done" ? end.result : undefined;
        if (!isRecord(found) || typeof found["text"] !== "string") {
          throw new WebError("the page is too complicated to be read");
        }
        const title = found["title"];
        return {
          url: at,
          title: typeof title === "string" ? title : undefined,
          text: found["text"],
          isCut: found["isCut"] === true,
        };
      }
    },
  };
}

interface WebFile {
  /** The address after redirects. */
  readonly url: string;
  /** The type that the server names; empty if it names none. */
  readonly contentType: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export type WebAccess = ReturnType<typeof createWebPages>;

/** Keeps the last pages for a moment: an agent often reads one again, or reads on in it. */
function createKeptPages(now: Clock["now"]) {
  const kept = new Map<string, { readonly page: WebPage; readonly at: number }>();
  return {
    get(url: string): WebPage | undefined {
      const known = kept.get(url);
      return known && now() - known.at < KEPT_MS ? known.page : undefined;
    },
    add(url: string, page: WebPage): void {
      kept.delete(url);
      kept.set(url, { page, at: now() });
      let chars = [...kept.values()].reduce((sum, one) => sum + one.page.text.length, 0);
      for (const [key, { page: { text }, at }] of kept) {
        const isOver = kept.size > KEPT_PAGES || chars > KEPT_CHARS;
        if (!isOver && now() - at < KEPT_MS) continue;
        kept.delete(key);
        chars -= text.length;
      }
    },
  };
}

export const PUBLIC_INTERNET: Omit<GuardedRequest, "userAgent"> = {
  resolve: (hostname) => lookup(hostname, { all: true }),
  isAllowed: (address) => isPublicAddress(address) && !isOwn(address),
  allowedPorts: new Set([80, 443]),
};

/** A firewall may protect services of this machine from others, but not from itself. */
function isOwn(address: string): boolean {
  return Object.values(networkInterfaces()).some((list) =>
    list?.some((one) => one.address === address)
  );
}
