/**
 * Brings previews of links to turns (H6), which Discord adds a moment after the message. A turn about
 * a link alone waits for its preview; one that comes later is context of the session's next turn.
 */

import type { Account } from "../../../core/account/account.ts";
import type { MessageId } from "../../../core/discord/ids.ts";
import type { Claim } from "../../../core/inbound/inbox.ts";
import { type InboundMessage, isAtDiscord } from "../../../core/inbound/inbound.ts";
import { type Overheard, toOverheard } from "../../../core/inbound/transcript.ts";

/** Milliseconds after a message in which its turn waits, with so many words beside the link. */
const WAIT_MS = 1_500;
const FEW_WORDS = 6;
const PREVIEWED = /(?<![<`])https?:\/\/(?!localhost\b|\[|[\d.]+(?![\w.-]))/;
/** Maximum number of previews to remember; at the limit, all are forgotten. */
const MAX = 200;

export function createPreviews({ now, schedule }: Pick<Account, "now" | "schedule">) {
  const arrived = new Map<MessageId, InboundMessage>();
  const waits = new Map<MessageId, () => void>();
  const lacking = new Map<MessageId, string>(); // sessions that have read a message without it
  return {
    /** Takes a changed message, which may have a preview; absent: it was deleted. */
    arrived(id: MessageId, message?: InboundMessage): void {
      if (arrived.size >= MAX) arrived.clear();
      arrived.delete(id);
      if (message?.extras.some(({ kind }) => kind === "embed")) arrived.set(id, message);
      waits.get(id)?.();
    },
    /** The claim of a turn, with the preview of its message if there is one. */
    async of(claim: Claim): Promise<Claim> {
      const { message } = claim;
      const { id, text, sentAt, extras } = message;
      const words = text.replace(/https?:\/\/\S+|<[^>]*>/g, "").match(/[\p{L}\p{N}]+/gu) ?? [];
      if (!PREVIEWED.test(text) || extras.some(({ kind }) => kind === "embed")) return claim;
      const left = Math.min(sentAt + WAIT_MS - now(), WAIT_MS);
      if (!arrived.has(id) && words.length <= FEW_WORDS && left > 0 && isAtDiscord(message)) {
        const { promise, resolve } = Promise.withResolvers<void>();
        waits.set(id, resolve);
        const cancel = schedule(resolve, left);
        await promise;
        cancel();
        waits.delete(id);
      }
      const found = arrived.get(id);
      if (lacking.size >= MAX) lacking.clear();
      if (!found) lacking.set(id, claim.route.sessionKey);
      return { ...claim, message: { ...message, ...found && { extras: found.extras } } };
    },
    /** Previews that a session lacks, once. */
    late: (sessionKey: string): readonly Overheard[] =>
      [...lacking].flatMap(([id, key]) => {
        const found = key === sessionKey && arrived.get(id);
        return found && lacking.delete(id) ? [toOverheard({ ...found, text: "" })] : [];
      }),
    /** Forgets the words of people. */
    forget: (): void => arrived.clear(),
  };
}
