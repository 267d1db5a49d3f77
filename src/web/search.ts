/**
 * Asks a search engine: a SearXNG of the operator, or Brave (T9).
 *
 * The operator chose its address, so it may be on a private network, and behind a proxy.
 */

import { fetchPlain } from "../lib/network/fetch_plain.ts";
import type { SearchHit } from "../core/turn/ports/host.ts";
import { readBody } from "../lib/network/read_body.ts";
import { isRecord } from "../lib/text/json.ts";
import { WebError } from "./guarded_get.ts";

export interface SearchEngine {
  readonly kind: "searxng" | "brave";
  /** Base address without a slash at its end; the vendor's if absent. */
  readonly url?: string;
  /** Its key, a secret; absent if it needs none. */
  readonly apiKey?: string;
}

const BRAVE = "https://api.search.brave.com";

/** Milliseconds for the whole search. */
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
