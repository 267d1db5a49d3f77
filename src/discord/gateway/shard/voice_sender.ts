/**
 * Sends voice state updates (op 4) within their share of Discord's limit of 120 payloads a minute, of
 * which heartbeats and presences have most (`lifecycle/sending.ts`). Of a guild, the newest counts.
 */

import type { GuildId } from "../../../core/discord/ids.ts";
import type { OwnVoice } from "../../../core/discord/voice.ts";
import type { ShardContext } from "./report.ts";

export const VOICE_LIMIT = { max: 10, everyMs: 60_000 };

export function createVoiceSender(
  { now, after, isReady, send }: Pick<ShardContext, "now" | "after"> & {
    readonly isReady: () => boolean;
    readonly send: (own: OwnVoice) => void;
  },
) {
  const waiting = new Map<GuildId, OwnVoice>();
  let sentMs: readonly number[] = [];
  let cancel: (() => void) | undefined;

  function flush(): void {
    if (waiting.size === 0 || cancel || !isReady()) return;
    const nowMs = now().monotonicMs;
    sentMs = sentMs.filter((at) => nowMs - at < VOICE_LIMIT.everyMs);
    for (const [guildId, own] of waiting) {
      const [oldest = nowMs] = sentMs;
      if (sentMs.length >= VOICE_LIMIT.max) {
        cancel = after(oldest + VOICE_LIMIT.everyMs - nowMs, () => {
          cancel = undefined;
          flush();
        });
        return;
      }
      waiting.delete(guildId);
      sentMs = [...sentMs, nowMs];
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
    stop: (): void => cancel?.(),
  };
}
