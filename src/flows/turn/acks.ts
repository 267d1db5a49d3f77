/**
 * The reaction that says: read (R7).
 *
 * It is a courtesy for who waits, so it is put only where nobody has been
 * answered yet, asked for once, and neither waits for anything nor is waited
 * for. It goes, where the operator wants that, once a reply has been delivered;
 * a turn that failed leaves it, for the message was read. A restart forgets
 * which ones were put, and leaves them.
 *
 * @module
 */

import type { Refusal } from "../../core/errors.ts";
import type { ChannelId, MessageId } from "../../core/discord/ids.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { OutboundKind } from "../../core/outbound/nonce.ts";
import type { AcceptReason } from "../../core/inbound/verdict.ts";
import type { Log } from "../../lib/log.ts";
import type { Schedule } from "../../lib/schedule.ts";
import { createPausedChannels } from "./paused_channels.ts";

/** What the config says of them: `messages.ackReaction` and what belongs to it. */
export interface AckRules {
  /** One of Unicode's, or `"<:name:id>"`; absent: none. */
  readonly ackReaction?: string;
  readonly ackReactionScope: "group-mentions" | "group-all" | "direct" | "all" | "off";
  readonly removeAckAfterReply: boolean;
}

export interface AcksPorts {
  readonly rules: AckRules;
  /** Each asks Discord once, and only where there is room for it. */
  readonly reactions: {
    add(channelId: ChannelId, messageId: MessageId, emoji: string): Promise<void>;
    remove(channelId: ChannelId, messageId: MessageId, emoji: string): Promise<void>;
  };
  /** Why Discord refused, where it did. */
  readonly refusalOf: (error: unknown) => Refusal | undefined;
  /** Whether it was the emoji that Discord does not know, and neither the message nor the place. */
  readonly isNoEmoji: (error: unknown) => boolean;
  readonly schedule: Schedule;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  readonly log: Log;
}

export interface Acks {
  /** A message is to be answered, for that reason. */
  accepted(message: InboundMessage, why: AcceptReason): void;
  /** Discord has a message that answers this one, or the draft of one. */
  answered(cause: MessageId, kind: OutboundKind): void;
}

/** An answer that is there by then says more, in milliseconds. */
const PATIENCE_MS = 250;

/** Acks that are remembered, to be taken away; the oldest stay where they are. */
const MAX_PUT = 1_000;

/** A message that waits for its ack, or has it. */
interface Ack {
  readonly channelId: ChannelId;
  /** Calls off what was not asked for yet. */
  readonly cancel: () => void;
  /** Set once it was asked for: whether it is there. */
  put?: Promise<boolean>;
}

const NONE: Acks = { accepted() {}, answered() {} };

export function createAcks(ports: AcksPorts): Acks {
  const { ackReaction: emoji, ackReactionScope: scope } = ports.rules;
  return emoji === undefined || scope === "off" ? NONE : createWith(emoji, scope, ports);
}

type Scope = Exclude<AckRules["ackReactionScope"], "off">;

function createWith(emoji: string, scope: Scope, ports: AcksPorts): Acks {
  const { rules: { removeAckAfterReply }, reactions, schedule, now, log } = ports;
  const acks = new Map<MessageId, Ack>();
  const refused = createPausedChannels(now);
  let isUnknown = false;

  function put(messageId: MessageId, ack: Ack): void {
    const { channelId } = ack;
    acks.delete(messageId);
    if (isUnknown || refused.has(channelId)) return;
    ack.put = reactions.add(channelId, messageId, emoji).then(() => true, (error: unknown) => {
      noteRefusal(channelId, error);
      log.debug("A message is not marked as read", { channelId, messageId, error });
      return false;
    });
    if (!removeAckAfterReply) return;
    acks.set(messageId, ack);
    const [oldest] = acks.keys();
    if (acks.size > MAX_PUT && oldest !== undefined) acks.delete(oldest);
  }

  function noteRefusal(channelId: ChannelId, error: unknown): void {
    if (ports.refusalOf(error) === "forbidden") refused.add(channelId);
    if (isUnknown || !ports.isNoEmoji(error)) return;
    isUnknown = true; // the same emoji would be refused everywhere
    log.warn("Discord does not take messages.ackReaction; no message is marked as read", {
      emoji,
      hint: "Write one emoji, or one of the server's own as <:name:id>.",
    });
  }

  async function remove(messageId: MessageId, { channelId, put }: Ack): Promise<void> {
    if (!await put) return;
    try {
      await reactions.remove(channelId, messageId, emoji);
    } catch (error) {
      log.debug("A message stays marked as read", { channelId, messageId, error });
    }
  }

  return {
    accepted(message, why) {
      const { id, channelId } = message;
      if (acks.has(id) || !isIn(scope, message, why)) return;
      const ack: Ack = { channelId, cancel: schedule(() => put(id, ack), PATIENCE_MS) };
      acks.set(id, ack);
    },
    answered(cause, kind) {
      const ack = acks.get(cause);
      if (!ack) return;
      ack.cancel();
      const isReply = kind === "reply" || kind === "folded";
      if (ack.put && !isReply) return;
      acks.delete(cause);
      if (ack.put) void remove(cause, ack);
    },
  };
}

function isIn(
  scope: Scope,
  { place, mention }: InboundMessage,
  why: AcceptReason,
): boolean {
  const isGroup = place.kind !== "dm";
  switch (scope) {
    case "all":
      return true;
    case "direct":
      return !isGroup;
    case "group-all":
      return isGroup;
    case "group-mentions": // whether or not the place requires one: who mentions the bot waits for it
      return isGroup && (why === "mentioned" || mention !== undefined);
  }
}
