/**
 * Decides whose rights a search in a server's messages has (T17).
 *
 * In a channel, everyone there reads the answer. In direct messages only the asker does, unless all
 * direct messages share a session.
 */

import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { RefusedCall } from "../../core/refused_call.ts";
import type { KnowledgePort, SearchServers } from "../../core/turn/ports/search.ts";

/** Milliseconds that a tool waits while Discord builds its index. */
const WAIT_MS = 20_000;

/** Creates the port of tools. */
export function createKnowledgePort({ search, sharesDirect }: {
  readonly search: SearchServers;
  /** Whether the direct messages of all people share a session (`session.dmScope: "main"`). */
  readonly sharesDirect: () => boolean;
}): KnowledgePort {
  function reachOf({ place }: InboundMessage): "readers" | "asker" {
    if (place.kind === "guild") return "readers";
    if (place.kind === "dm" && !sharesDirect()) return "asker";
    throw new RefusedCall(
      "place",
      place.kind === "dm"
        ? "all direct messages share one conversation here, so other people could learn what only " +
          "this person may read; they can use the command /search on the server"
        : "a group has no server to search",
    );
  }

  return {
    search: async ({ message, also = [], signal }, query) => {
      const messages = [message, ...also];
      return await search({ messages, reach: reachOf(message), waitMs: WAIT_MS, signal }, query);
    },
  };
}
