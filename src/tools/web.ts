/** Tools for the web: `web_search`, and `web_fetch` for the text of a page (T6, SEC-R23). */

import { z } from "zod";
import type { WebPage } from "../core/turn/host.ts";
import { defineTool, type Tool } from "../core/turn/tool.ts";

/** UTF-16 units of a page in one result; a longer result would be shown without its middle (T1). */
const PART = 7_000;

const input = () =>
  z.object({
    url: z.string().min(1).max(4_000).describe("The address, with https://."),
    offset: z.int().min(0).default(0).describe(
      "Where to begin, in characters. A result that is not the page's end names the next offset.",
    ),
  });

export const webFetch: Tool = defineTool({
  name: "web_fetch",
  group: "group:web",
  short: { description: "Reads a web page.", fields: ["url", "offset"] },
  description: "Reads the text of a public web page, or a document in JSON, XML or plain text. " +
    "Pictures, PDFs and pages that need a login cannot be read. A long page comes in parts.",
  input,
  seenAt: "nowhere",
  needs: [],
  isReadOnly: true,
  isIdempotent: true,
  async run({ url, offset }, { account, agentId, signal }) {
    const { web } = account.bot.toolServices.of(agentId);
    return partOf(await web.page(url, signal), offset);
  },
});

function partOf({ url, title, text, isCut }: WebPage, offset: number): string {
  const begin = startOfPair(text, offset);
  const end = startOfPair(text, begin + PART);
  const part = text.slice(begin, end);
  const rest = text.length - end;
  return [
    title === undefined ? undefined : `Title: ${title}`,
    `Address: ${url}`,
    offset > 0 || rest > 0
      ? `Characters ${Math.min(begin, text.length)} to ${end} of ${text.length}${
        rest > 0 ? `; for more, use the offset ${end}` : ""
      }`
      : undefined,
    isCut && rest <= 0 ? "The page is too large: its end was not read." : undefined,
    "",
    part === "" ? "There is no text here." : part,
  ].filter((line) => line !== undefined).join("\n");
}

/** `at`, within the text and never within a surrogate pair. */
function startOfPair(text: string, at: number): number {
  const within = Math.min(at, text.length);
  const code = text.charCodeAt(within);
  return code >= 0xDC00 && code <= 0xDFFF ? within - 1 : within;
}

const searchInput = () =>
  z.object({
    query: z.string().trim().min(1).max(400).describe("Words to search for."),
    limit: z.int().min(1).max(20).default(8).describe("Maximum number of results."),
  });

/** Searches the web. Turns have it only if the config names a search engine. */
export const webSearch: Tool = defineTool({
  name: "web_search",
  group: "group:web",
  isEnabled: ({ search }) => search !== undefined,
  short: { description: "Searches the web.", fields: ["query"] },
  description:
    "Searches the web, and returns titles, addresses and excerpts of pages. Use it for " +
    "facts that are new or that you are not sure of.",
  input: searchInput,
  seenAt: "nowhere",
  needs: [],
  isReadOnly: true,
  isIdempotent: true,
  async run({ query, limit }, { account, agentId, signal }) {
    const { web } = account.bot.toolServices.of(agentId);
    const hits = await web.search(query, limit, signal);
    if (hits.length === 0) return "The search found nothing.";
    return hits.map(({ title, url, excerpt }, at) =>
      [`${at + 1}. ${title || "(no title)"}`, url, excerpt].filter((line) => line).join("\n")
    ).join("\n\n");
  },
});
