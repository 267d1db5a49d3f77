/**
 * What is said when a stranger asks to be let in: to them, and to those who decide (P3).
 *
 * @module
 */

import type { UserId } from "../core/discord/ids.ts";
import type { InboundMessage } from "../core/inbound/inbound.ts";
import type { Button, Frozen } from "../core/outbound/outbound.ts";
import type { PairingOutcome, PairingRequest } from "../core/inbound/pairing.ts";
import { freeze, freezeUnprompted } from "./freeze.ts";
import { nameAsCode } from "./name.ts";
import { notice, type Texts } from "./notices.ts";
import { noticeBody } from "./reply.ts";

/** Tells a stranger their code, and how it is approved. */
export function composeChallenge(
  message: InboundMessage,
  code: string,
  texts: Texts,
): readonly Frozen[] {
  const { accountId, channelId, id: cause, revision, sender } = message;
  const text = notice("challenge", { code, id: sender.id }, texts);
  return freeze({ accountId, channelId, cause, revision, kind: "challenge", ...noticeBody(text) });
}

/** Tells somebody that they have been let in. */
export function composePaired(
  { accountId, channelId }: Pick<PairingRequest, "accountId" | "channelId">,
  texts: Texts,
): readonly Frozen[] {
  return freezeUnprompted({ accountId, channelId, ...noticeBody(notice("paired", {}, texts)) });
}

/** Characters of a button's label, at most. */
const MAX_LABEL_LENGTH = 80;

/** What an owner is asked, and the buttons to answer with. */
export function composeApprovalRequest(
  request: PairingRequest,
  texts: Texts,
): { readonly text: string; readonly buttons: readonly Button[] } {
  const { code, expiresAt, buttons: { approve, deny } } = request;
  const until = `<t:${Math.floor(expiresAt / 1_000)}:t>`; // Discord shows the reader's own time
  const label = (key: "approve" | "deny") => notice(key, {}, texts).slice(0, MAX_LABEL_LENGTH);
  return {
    text: notice("pairingAsked", { ...requesterOf(request), code, until }, texts),
    buttons: [
      { customId: approve, label: label("approve"), style: "success" },
      { customId: deny, label: label("deny"), style: "danger" },
    ],
  };
}

/** A press that found its request, with what became of it. */
export type Decision = Extract<PairingOutcome, { readonly request: PairingRequest }>;

/** What takes the place of the question, once a button below it was pressed. */
export function decisionText({ kind, request }: Decision, by: UserId, texts: Texts): string {
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
