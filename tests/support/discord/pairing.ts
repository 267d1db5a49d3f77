/** Strangers, and a pairing service with predictable codes. */

import type { Judged } from "../../../src/core/inbound/inbox.ts";
import type { InboundMessage } from "../../../src/core/inbound/inbound.ts";
import { codeFrom, type PairingOffer } from "../../../src/core/inbound/pairing.ts";
import { channelId, directMessage, messageId, sender, userId } from "./builders.ts";
import { frozen, ROUTE } from "../store/store.ts";

export const PAIRING_RULE = "channels.discord.dm.policy";

/** The `number`th code, from 0. */
export function codeNumber(number: number): string {
  const bytes = Uint8Array.from({ length: 8 }, (_, index) => (number >> (5 * index)) & 31);
  return codeFrom(bytes);
}

/** An offer with the `number`th code. */
const offer = (
  { accountId, channelId, id }: InboundMessage,
  number: number,
): PairingOffer => ({
  code: codeNumber(number),
  buttons: { approve: `button-${2 * number}`, deny: `button-${2 * number + 1}` },
  messages: [frozen({
    ...{ accountId, channelId, nonce: `challenge-${id}` },
    content: `Your code: ${codeNumber(number)}`,
  })],
});

/** The `number`th message of the `who`th stranger, in their own direct channel. */
export function strangersMessage(
  who: number,
  number = 0,
  fields: Partial<InboundMessage> = {},
): InboundMessage {
  return directMessage({
    id: messageId(String(10_000_000 + who * 1_000 + number)),
    channelId: channelId(String(20_000_000 + who)),
    sender: sender({ id: userId(String(30_000_000 + who)), username: `stranger${who}` }),
    text: "let me in, my secret is 42",
    ...fields,
  });
}

/** A stranger's message as policy judges it, without the store's pairings. */
export function challenged(
  message: InboundMessage = strangersMessage(0),
  code = 0,
): Judged {
  return {
    message,
    offer: offer(message, code),
    verdict: { kind: "challenge", why: "pairing", rule: PAIRING_RULE },
    route: { ...ROUTE, sessionKey: "agent:main:main" },
    knownFacts: {},
  };
}
