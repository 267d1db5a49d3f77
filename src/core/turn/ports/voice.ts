/** The port of the tool `voice`, which extras carry out. */

import type { ChannelId } from "../../discord/ids.ts";
import type { InboundMessage } from "../../inbound/inbound.ts";

export type VoiceAction =
  /** Without a channel: that in which the asker is. */
  | { readonly action: "join"; readonly channelId?: ChannelId }
  | { readonly action: "leave" }
  | { readonly action: "say"; readonly text: string };

/**
 * Acts with the rights of the messages' authors: each of them needs them.
 *
 * @returns The result, in words for people.
 */
export type VoicePort = (
  action: VoiceAction,
  messages: readonly [InboundMessage, ...InboundMessage[]],
) => Promise<string>;
