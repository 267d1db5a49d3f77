/**
 * Composes the messages about pairing: to the unpaired sender, and to the owners who decide (P3).
 */

import type { UserId } from "../core/discord/ids.ts";
import type { InboundMessage } from "../core/inbound/inbound.ts";
import type { Button, Frozen } from "../core/outbound/outbound.ts";
import type { PairingOutcome, PairingRequest } from "../core/inbound/pairing.ts";
import { freeze, freezeUnprompted } from "./freeze.ts";
import { nameAsCode } from "./name.ts";
import { notice, type Texts } from "./notices/notices.ts";
import { noticeBody } from "./reply.ts";
import { readerTime } from "../lib/text/units.ts";

/** Tells an unpaired sender their code, and how the owner approves it. */
export function composeChallenge(
  message: InboundMessage,
  code: string,
  texts: Texts,
): readonly Frozen[] {
  const { accountId, channelId, id: cause, revision, sender } = message;
  const text = notice("challenge", { code, id: sender.id }, texts);
  return freeze({ accountId, channelId, cause, revision, kind: "challenge", ...noticeBody(text) });
}

export function composePaired(
  { accountId, channelId }: Pick<PairingRequest, "accountId" | "channelId">,
  texts: Texts,
): readonly Frozen[] {
  return freezeUnprompted({ accountId, channelId, ...noticeBody(notice("paired", {}, texts)) });
}

/** Discord's maximum number of characters for a button's label. */
const MAX_LABEL_LENGTH = 80;

/** Composes the question to an owner, and its two buttons. */
export function composeApprovalRequest(
  request: PairingRequest,
  texts: Texts,
): { readonly text: string; readonly buttons: readonly Button[] } {
  const { code, expiresAt, buttons: { approve, deny } } = request;
  const until = readerTime(expiresAt, "t");
  const label = (key: "approve" | "deny") => notice(key, {}, texts).slice(0, MAX_LABEL_LENGTH);
  return {
    text: notice("pairingAsked", { ...requesterOf(request), code, until }, texts),
    buttons: [
      { customId: approve, label: label("approve"), style: "success" },
      { customId: deny, label: label("deny"), style: "danger" },
    ],
  };
}

/** The result of a pressed button whose request exists. */
export type DecidedPairing = Extract<PairingOutcome, { readonly request: PairingRequest }>;

/** The text that replaces the question after an owner pressed a button. */
export function decisionText({ kind, request }: DecidedPairing, by: UserId, texts: Texts): string {
  const requester = requesterOf(request);
  switch (kind) {
    case "approved":
    case "denied":
      return notice(kind, { ...requester, by: `<@${by}>` }, texts);
    case "already":
      return notice("decidedBefore", requester, texts);
    case "expired":
      return notice("pairingExpired", requester, texts);
  }
}

function requesterOf({ username, userId }: PairingRequest) {
  return { name: nameAsCode(username), id: userId };
}
