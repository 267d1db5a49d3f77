/**
 * Shows the answers of one account's turns while the model writes them (R8).
 *
 * Turns share the requests of their channel, and the knowledge that the model thinks aloud.
 *
 * @module
 */

import type { ChannelId, MessageId } from "../../../core/discord/ids.ts";
import type { InboundMessage } from "../../../core/inbound/inbound.ts";
import { thinkingIn } from "../../../render/markdown/unfinished.ts";
import { createDraftStream, type DraftPorts, type DraftStream } from "./draft_stream.ts";
import type { ComposeDraft } from "./draft_text.ts";

/** The drafts of one account's turns. */
export interface Drafts {
  /**
   * Starts the drafts of one turn's answer.
   *
   * @param message The answered message.
   */
  begin(message: InboundMessage, compose: ComposeDraft): DraftStream;
  /** Tells that Discord has a message of the outbox. */
  posted(nonce: string, messageId: MessageId): void;
}

/** Creates the drafts of one account. */
export function createDrafts(ports: DraftPorts): Drafts {
  const { now } = ports;
  const awaited = new Map<string, (messageId: MessageId) => void>();
  const freeAt = new Map<ChannelId, number>();
  /**
   * Whether an earlier answer contained thinking without its start mark. Then no text is shown before
   * the mark that ends the thinking.
   */
  let thinksAloud = false;

  function mayBeThinking(text: string): boolean {
    const thinking = thinkingIn(text);
    if (thinking === "ended") thinksAloud = true;
    return thinking === "none" && thinksAloud;
  }

  const shared = { awaited, freeAt, mayBeThinking };
  return {
    begin({ channelId }, compose) {
      for (const [channel, at] of freeAt) if (at <= now()) freeAt.delete(channel);
      return createDraftStream(channelId, compose, shared, ports);
    },
    posted(nonce, messageId) {
      awaited.get(nonce)?.(messageId);
      awaited.delete(nonce);
    },
  };
}
