/**
 * Shows that somebody is at work while a turn runs (R7).
 *
 * Discord shows it for ten seconds, or until the message is there. Nothing
 * waits for it, and nothing fails with it.
 *
 * @module
 */

import type { Refusal } from "../../core/errors.ts";
import type { ChannelId } from "../../core/discord/ids.ts";
import type { Log } from "../../lib/log.ts";
import type { Schedule } from "../../lib/schedule.ts";
import { createPausedChannels } from "./paused_channels.ts";

export interface TypingPorts {
  /** Asks Discord once, and only where there is room for it. */
  readonly show: (channelId: ChannelId) => Promise<void>;
  /** Why Discord refused, where it did. */
  readonly refusalOf: (error: unknown) => Refusal | undefined;
  readonly schedule: Schedule;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  readonly log: Log;
}

export interface Typing {
  /** A turn begins in a channel; what is returned ends it, and is harmless afterwards. */
  begin(channelId: ChannelId): () => void;
}

/** An answer that is there by then needs no sign that it comes, in milliseconds. */
const PATIENCE_MS = 300;

/** Before the ten seconds are over, in milliseconds. */
const RENEW_MS = 8_000;

interface Shown {
  turns: number;
  cancel: () => void;
}

export function createTyping({ show, refusalOf, schedule, now, log }: TypingPorts): Typing {
  const shown = new Map<ChannelId, Shown>();
  const refused = createPausedChannels(now);

  function ask(channelId: ChannelId, typing: Shown): void {
    typing.cancel = schedule(() => ask(channelId, typing), RENEW_MS);
    if (refused.has(channelId)) return;
    show(channelId).catch((error: unknown) => {
      if (refusalOf(error) === "forbidden") refused.add(channelId);
      log.debug("Typing is not shown", { channelId, error });
    });
  }

  return {
    begin(channelId) {
      const typing: Shown = shown.get(channelId) ?? { turns: 0, cancel: () => {} };
      if (typing.turns === 0) {
        shown.set(channelId, typing);
        typing.cancel = schedule(() => ask(channelId, typing), PATIENCE_MS);
      }
      typing.turns += 1;

      let isOver = false;
      return () => {
        if (isOver) return;
        isOver = true;
        typing.turns -= 1;
        if (typing.turns > 0) return;
        typing.cancel();
        shown.delete(channelId);
      };
    },
  };
}
