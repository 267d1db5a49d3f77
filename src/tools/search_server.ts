/**
 * Searches a server's own messages: `search_server` (T17).
 *
 * Later turns do not see its results: people may have lost the right to read them by then.
 */

import { z } from "zod";
import { sourceLines } from "../core/turn/ports/search.ts";
import { defineTool, type Tool } from "../core/turn/tool.ts";
import { FIELDS } from "./discord/actions/action.ts";

const input = () =>
  z.strictObject({
    query: z.string().trim().min(1).max(400).describe(
      "Words of the messages, in the language of the server: names, error codes, the topic.",
    ),
    channelId: FIELDS.channelId.optional(),
    authorId: FIELDS.userId.optional(),
    before: FIELDS.before.optional(),
    after: FIELDS.after.optional(),
    guildId: FIELDS.guildId.optional(),
    limit: z.int().min(1).max(10).default(5).describe("Maximum number of messages."),
  });

/** Searches the server's messages. Only turns in places with `knowledge` have it. */
export const searchServer: Tool = defineTool({
  name: "search_server",
  short: {
    description: "Searches this server's messages. Write the `link` behind each fact that you use.",
    fields: ["query"],
  },
  description:
    "Searches this server's own messages, forum posts and channel topics: what people here have " +
    "said, decided or answered before. One JSON object per line, the best first. It finds only what " +
    "everyone who reads your answer may read. For each fact that you take from a result, write its " +
    "`link` behind it. `replies` are links to answers to that message.",
  input,
  gate: "search",
  needs: [],
  isPersonalCall: () => true,
  afterEdit: "run",
  isIdempotent: true,
  async run({ query: words, ...query }, { ports, ...call }) {
    const { sources, notes } = await ports.knowledge.search(call, { words, ...query });
    return sourceLines(sources, notes);
  },
});
