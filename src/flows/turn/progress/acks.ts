/**
 * Marks accepted messages with a reaction: the bot has read them (R7).
 *
 * The reaction is a courtesy while a person waits. So it is added only before an answer exists,
 * with one request, and neither the turn nor the reply waits for it. If the operator wants that,
 * Barnacle removes it once a reply is delivered. After a failed turn it stays, because the message
 * was read. A restart forgets the reactions, which then stay.
 */

import type { Refusal } from "../../../core/outbound/outbound.ts";
import type { Reactions } from "../../../core/outbound/requests.ts";
import { reactionEmoji } from "../../../core/discord/emoji.ts";
import type { ChannelId, MessageId } from "../../../core/discord/ids.ts";
import type { InboundMessage } from "../../../core/inbound/inbound.ts";
import type { OutboundKind } from "../../../core/outbound/nonce.ts";
import type { AcceptReason } from "../../../core/inbound/verdict.ts";
import { createPausedChannels } from "./typing.ts";
import type { Account } from "../../../core/account/account.ts";

/** `messages.ackReaction` and the keys that belong to it. */
export interface AckRules {
  /** A Unicode emoji, or `"<:name:id>"`; absent: no reaction. */
  readonly ackReaction?: string;
  /** Which messages get one. `group-…`: outside direct messages. */
  readonly ackReactionScope: "group-mentions" | "group-all" | "direct" | "all" | "off";
  /** Whether to remove the reaction once a reply is delivered. */
  readonly removeAckAfterReply: boolean;
}

/** The reactions of one account. No method throws or waits. */
export interface Acks {
  /** Tells that the bot will answer a message, and why. */
  accepted(message: InboundMessage, why: AcceptReason): void;
  /** Tells that Discord has an answer to a message, or the draft of one. */
  answered(cause: MessageId, kind: OutboundKind): void;
}

/** Milliseconds before the reaction. A faster answer needs none. */
const PATIENCE_MS = 250;

/** Maximum number of reactions to remember for removal; beyond it, the oldest stay at Discord. */
const MAX_PUT = 1_000;

/** A message that will get its reaction, or has it. */
interface Ack {
  readonly channelId: ChannelId;
  readonly emoji: string;
  /** Cancels the reaction before its request. */
  readonly cancel: () => void;
  /** Set from the request on: whether Discord has added it. */
  put?: Promise<boolean>;
}

/** Creates the reactions of one account. */
export function createAcks(
  { rules, reactions, schedule, now, log, ...ports }:
    & Pick<Account, "schedule" | "now" | "log">
    & {
      /** Of the current config. */
      readonly rules: () => AckRules;
      /** Each call sends one request, and none if rate limits leave no room. */
      readonly reactions: Reactions;
      /** Why Discord refused the request; `undefined` if the error is no refusal. */
      readonly refusalOf: (error: unknown) => Refusal | undefined;
      /**
       * Whether Discord does not know the emoji; then neither the message nor the channel is at fault.
       */
      readonly isNoEmoji: (error: unknown) => boolean;
    },
): Acks {
  const acks = new Map<MessageId, Ack>();
  const refused = createPausedChannels(now);
  /** An emoji that Discord does not know: it would be refused everywhere. */
  let unknown: string | undefined;

  function put(messageId: MessageId, ack: Ack): void {
    const { channelId, emoji } = ack;
    acks.delete(messageId);
    if (unknown === emoji || refused.has(channelId)) return;
    ack.put = reactions.add(channelId, messageId, emoji).then(() => true, (error: unknown) => {
      noteRefusal(ack, error);
      log.debug("A message is not marked as read", { channelId, messageId, error });
      return false;
    });
    if (!rules().removeAckAfterReply) return;
    acks.set(messageId, ack);
    const [oldest] = acks.keys();
    if (acks.size > MAX_PUT && oldest !== undefined) acks.delete(oldest);
  }

  function noteRefusal({ channelId, emoji }: Ack, error: unknown): void {
    if (ports.refusalOf(error) === "forbidden") refused.add(channelId);
    if (unknown === emoji || !ports.isNoEmoji(error)) return;
    unknown = emoji;
    log.warn("Discord does not accept messages.ackReaction; no message is marked as read", {
      emoji,
      hint: "Use one emoji, or a server's own emoji as <:name:id>.",
    });
  }

  async function remove(messageId: MessageId, { channelId, emoji, put }: Ack): Promise<void> {
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
      const { ackReaction, ackReactionScope: scope } = rules();
      if (ackReaction === undefined || scope === "off") return;
      if (acks.has(id) || !isIn(scope, message, why)) return;
      const emoji = reactionEmoji(ackReaction);
      const ack: Ack = { channelId, emoji, cancel: schedule(() => put(id, ack), PATIENCE_MS) };
      acks.set(id, ack);
    },
    answered(cause, kind) {
      const ack = acks.get(cause);
      if (!ack) return;
      ack.cancel();
      if (ack.put && kind !== "reply" && kind !== "word") return;
      acks.delete(cause);
      if (ack.put) void remove(cause, ack);
    },
  };
}

type Scope = Exclude<AckRules["ackReactionScope"], "off">;

function isIn(scope: Scope, { place, mention }: InboundMessage, why: AcceptReason): boolean {
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
