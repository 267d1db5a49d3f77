/**
 * Composes the messages about pairing: to the unpaired sender, and to the owners who decide (P3).
 */

import type { UserId } from "../core/discord/ids.ts";
import type { InboundMessage } from "../core/inbound/inbound.ts";
import type { Button, Frozen } from "../core/outbound/outbound.ts";
import type { PairingOutcome, PairingRequest } from "../core/inbound/pairing.ts";
import { answering, freeze, freezeUnprompted, noticeBody } from "./reply.ts";
import { nameAsCode } from "./name.ts";
import { PAIRED } from "./sentences.ts";
import { readerTime } from "../lib/text/units.ts";

/** Tells an unpaired sender their code, and how the owner approves it. */
export function composeChallenge(message: InboundMessage, code: string): readonly Frozen[] {
  const text =
    "I only answer approved people, so I haven't read this. Within an hour, my owner can " +
    `press the button that I sent them, or run \`barnacle pairing approve ${code}\`. ` +
    `Your ID: ${message.sender.id}`;
  return freeze({ ...answering(message), kind: "challenge", ...noticeBody(text) });
}

export function composePaired(
  { accountId, channelId }: Pick<PairingRequest, "accountId" | "channelId">,
): readonly Frozen[] {
  return freezeUnprompted({ accountId, channelId, ...noticeBody(PAIRED) });
}

/** Composes the question to an owner, and its two buttons. */
export function composeApprovalRequest(
  request: PairingRequest,
): { readonly text: string; readonly buttons: readonly Button[] } {
  const { code, expiresAt, buttons: { approve, deny } } = request;
  const until = readerTime(expiresAt, "t");
  return {
    text: `${requesterOf(request)} wants to write to me. Their code is \`${code}\`, valid until ` +
      `${until}. Approve below, or run \`barnacle pairing approve ${code}\`.`,
    buttons: [
      { customId: approve, label: "Approve", style: "success" },
      { customId: deny, label: "Deny", style: "danger" },
    ],
  };
}

/** The result of a pressed button whose request exists. */
export type DecidedPairing = Extract<PairingOutcome, { readonly request: PairingRequest }>;

/** The text that replaces the question after an owner pressed a button. */
export function decisionText({ kind, request }: DecidedPairing, by: UserId): string {
  const requester = requesterOf(request);
  switch (kind) {
    case "approved":
      return `${requester} may write to me now. <@${by}> approved it.`;
    case "denied":
      return `${requester} may not write to me. <@${by}> denied it.`;
    case "already":
      return `${requester}: this request was already decided. To see who may write to me, run ` +
        "`barnacle pairing list`.";
    case "expired":
      return `${requester}: this code has expired. They get a new one when they write to me again.`;
  }
}

function requesterOf({ username, userId }: PairingRequest): string {
  return `${nameAsCode(username)} (${userId})`;
}
