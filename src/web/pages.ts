/**
 * Reads pages of the public internet for tools.
 *
 * A page's text stays in memory for some minutes, so that its parts fit together and cost one
 * request.
 */

import { lookup } from "node:dns/promises";
import { networkInterfaces } from "node:os";
import type { WebPage, WebPort } from "../core/turn/ports/host.ts";
import { isPublicAddress } from "../lib/network/addresses.ts";
import type { Clock } from "../lib/clock.ts";
import { isRecord } from "../lib/text/json.ts";
import { fetchFile, fetchText } from "./fetch_text.ts";
import { type GuardPorts, WebError } from "./guarded_get.ts";
import { type SearchEngine, searchWeb } from "./search.ts";

/** Milliseconds to find a page's article, and then to read all of its text instead. */
const READ_MS = 5_000;

const KEPT_MS = 10 * 60_000;
const KEPT_PAGES = 16;
const KEPT_CHARS = 4_000_000;

/** Creates the reader; nothing is kept yet. */
export function createWebPages({ runJob, version, now, engine, guard }: Clock & {
  /** Runs a job on untrusted data in a thread. */
  readonly runJob: (
    job: unknown,
    timeoutMs: number,
    signal: AbortSignal,
  ) => Promise<{ readonly kind: string; readonly result?: unknown }>;
  readonly version: string;
  /** The search engine of the config; `undefined` if there is none. */
  readonly engine: () => SearchEngine | undefined;
  /** Replaces the public internet in tests. */
  readonly guard?: Omit<GuardPorts, "userAgent" | "now">;
}): WebPort {
  const ports: GuardPorts = {
    ...(guard ?? PUBLIC_INTERNET),
    now,
    userAgent: `Mozilla/5.0 (compatible; Barnacle/${version})`,
  };
  const kept = createKeptPages(now);

  return {
    async search(query, most, signal) {
      const asked = engine();
      if (!asked) throw new WebError("the operator has taken the search engine away");
      return await searchWeb(asked, query, most, { fetch, signal });
    },
    async file(url, maxBytes, signal) {
      const { bytes, contentType, url: from } = await fetchFile(url, maxBytes, ports, signal);
      return { url: from, contentType, bytes: new Uint8Array(bytes) };
    },
    async page(url, signal) {
      const known = kept.get(url);
      if (known) return known;
      const { isHtml, text, url: from } = await fetchText(url, ports, signal);
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

export const PUBLIC_INTERNET: Omit<GuardPorts, "userAgent" | "now"> = {
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
