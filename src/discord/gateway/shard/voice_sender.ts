/**
 * Sends voice state updates (op 4) within their share of Discord's limit of 120 payloads a minute, of
 * which heartbeats and presences have most (`lifecycle/sending.ts`). Of a guild, the newest counts.
 */

import type { GuildId } from "../../../core/discord/ids.ts";
import type { OwnVoice } from "../../../core/discord/voice.ts";
import type { ShardContext } from "./report.ts";

export const VOICE_LIMIT = { max: 10, everyMs: 60_000 };

export function createVoiceSender({ after, isReady, send }: Pick<ShardContext, "after"> & {
  readonly isReady: () => boolean;
  readonly send: (own: OwnVoice) => void;
}) {
  const waiting = new Map<GuildId, OwnVoice>();
  const cancels = new Set<() => void>();

  function flush(): void {
    for (const [guildId, own] of waiting) {
      if (cancels.size >= VOICE_LIMIT.max || !isReady()) return;
      waiting.delete(guildId);
      const cancel = after(VOICE_LIMIT.everyMs, () => {
        cancels.delete(cancel);
        flush();
      });
      cancels.add(cancel);
      send(own);
    }
  }

  return {
    add(own: OwnVoice): void {
      waiting.set(own.guildId, own);
      flush();
    },
    /** The session may have become ready. */
    flush,
    stop: (): void => cancels.forEach((cancel) => cancel()),
  };
}
