/**
 * Shows the typing indicator while a turn runs (R7).
 *
 * Discord shows it for ten seconds, or until the message arrives. Nothing waits for it, and its
 * failure fails nothing.
 */

import type { Refusal } from "../../../core/outbound/outbound.ts";
import type { ChannelId } from "../../../core/discord/ids.ts";
import type { Account } from "../../../core/account/account.ts";

/** Milliseconds before the first request. A faster answer needs no indicator. */
const PATIENCE_MS = 300;

/** Milliseconds between two requests, less than Discord's ten seconds. */
const RENEW_MS = 8_000;

interface ShownTyping {
  turns: number;
  cancel: () => void;
}

export function createTyping(
  { schedule, now, log }: Pick<Account, "log" | "now" | "schedule">,
  { show, refusalOf }: {
    /** Sends one request, and none if rate limits leave no room. */
    readonly show: (channelId: ChannelId) => Promise<void>;
    /** Why Discord refused the request; `undefined` if the error is no refusal. */
    readonly refusalOf: (error: unknown) => Refusal | undefined;
  },
) {
  const shown = new Map<ChannelId, ShownTyping>();
  const refused = createPausedChannels(now);

  function ask(channelId: ChannelId, typing: ShownTyping): void {
    typing.cancel = schedule(() => ask(channelId, typing), RENEW_MS);
    if (refused.has(channelId)) return;
    show(channelId).catch((error: unknown) => {
      if (refusalOf(error) === "forbidden") refused.add(channelId);
      log.debug("Typing is not shown", { channelId, error });
    });
  }

  return {
    /**
     * Starts the indicator in a channel, for one turn.
     *
     * @returns A function that ends it. Calling it twice does no harm.
     */
    begin(channelId: ChannelId): () => void {
      const typing: ShownTyping = shown.get(channelId) ?? { turns: 0, cancel: () => {} };
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

/** Milliseconds for which a channel is paused: people change permissions by hand. */
const PAUSE_MS = 10 * 60_000;

export function createPausedChannels(now: () => number) {
  const until = new Map<ChannelId, number>();
  return {
    has(channelId: ChannelId): boolean {
      const end = until.get(channelId);
      if (end === undefined) return false;
      const isPaused = now() < end;
      if (!isPaused) until.delete(channelId);
      return isPaused;
    },
    add(channelId: ChannelId): void {
      until.set(channelId, now() + PAUSE_MS);
    },
  };
}
