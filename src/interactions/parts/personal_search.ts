/** Searches servers' messages for a person who asks by a command (T17). */

import { createdAtMs, parseSnowflake } from "../../core/discord/ids.ts";
import { ASKED_OTHERWISE, type InboundMessage } from "../../core/inbound/inbound.ts";
import type { CommandCall } from "../../core/inbound/interactions.ts";
import type { FoundSource, SearchServers } from "../../core/turn/ports/search.ts";
import type { Log } from "../../lib/log.ts";

/** Milliseconds that the answer may take: Discord takes it for 15 minutes, people wait less. */
const PATIENCE_MS = 30_000;
/** Milliseconds to wait while Discord builds its index. */
const WAIT_MS = 10_000;

export function createPersonalSearch(
  search: SearchServers,
  log: Pick<Log, "warn">,
): (call: CommandCall, words: string, limit: number) => Promise<
  | { readonly kind: "found"; readonly sources: readonly FoundSource[] }
  /** Discord does not answer, or refuses. */
  | { readonly kind: "failed" }
> {
  return async (call, words, limit) => {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    try {
      const by = { messages: [questionOf(call)], reach: "asker", waitMs: WAIT_MS, signal } as const;
      const { sources } = await search(by, { words, limit });
      return { kind: "found", sources };
    } catch (error) {
      log.warn("A search by a command has failed", { interactionId: call.id, error });
      return { kind: "failed" };
    }
  };
}

/** The call as a message of the asker. */
export function questionOf(
  { accountId, id: written, channelId, guildId, place, sender }: CommandCall,
): InboundMessage {
  const id = parseSnowflake<"message">(written);
  if (!id) throw new RangeError(`Cannot search for ${written}: it is no id of Discord's`);
  const sentAt = createdAtMs(id);
  return { ...ASKED_OTHERWISE, accountId, id, channelId, guildId, place, sender, text: "", sentAt };
}
