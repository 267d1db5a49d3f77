/** Searches a server's messages for tools, with the reach of the turn's place (T4, T17). */

import { type KnowledgePort, reachOf, type SearchServers } from "../../core/turn/ports/search.ts";

/** Milliseconds that a tool waits while Discord builds its index. */
const WAIT_MS = 20_000;

export function createKnowledgePort({ search, sharesDirect }: {
  readonly search: SearchServers;
  /** Whether the direct messages of all people share a session (`session.dmScope: "main"`). */
  readonly sharesDirect: () => boolean;
}): KnowledgePort {
  return {
    search: async ({ message, also = [], signal }, query) => {
      const messages = [message, ...also];
      return await search({
        messages,
        reach: reachOf(message, sharesDirect()),
        waitMs: WAIT_MS,
        signal,
      }, query);
    },
  };
}
