/**
 * The tool `web_search`: pages for a query, by the operator's search engine (T9).
 *
 * @module
 */

import { z } from "zod";
import { defineTool, type Tool } from "../../core/turn/tool.ts";

const input = z.object({
  query: z.string().trim().min(1).max(400).describe("Words to search for."),
  limit: z.int().min(1).max(20).default(8).describe("Maximum number of results."),
});

/** Searches the web. Turns have it only if the config names a search engine. */
export const webSearch: Tool = defineTool({
  name: "web_search",
  description:
    "Searches the web, and returns titles, addresses and excerpts of pages. Use it for " +
    "facts that are new or that you are not sure of.",
  input,
  needs: [],
  isIdempotent: true,
  async run({ query, limit }, { ports, signal }) {
    const hits = await ports.web.search(query, limit, signal);
    if (hits.length === 0) return "The search found nothing.";
    return hits.map(({ title, url, excerpt }, at) =>
      [`${at + 1}. ${title || "(no title)"}`, url, excerpt].filter((line) => line).join("\n")
    ).join("\n\n");
  },
});
