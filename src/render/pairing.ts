/**
 * What is said when a stranger asks to be let in: to them, and to those who decide (P3).
 *
 * @module
 */

import type { UserId } from "../core/discord/ids.ts";
import type { InboundMessage } from "../core/inbound/inbound.ts";
import type { Button, Frozen } from "../core/outbound/outbound.ts";
import type { PairingOutcome, PairingRequest } from "../core/inbound/pairing.ts";
import { freeze, freezeUnasked } from "./freeze.ts";
import { nameAsCode } from "./name.ts";
import { notice, type Texts } from "./notices.ts";
import { ownWords } from "./reply.ts";

/** Tells a stranger their code, and how it is approved. */
export function composeChallenge(
  message: InboundMessage,
  code: string,
  texts: Texts,
): readonly Frozen[] {
  const { accountId, channelId, id: cause, revision, sender } = message;
  const text = notice("challenge", { code, id: sender.id }, texts);
  return freeze({ accountId, channelId, cause, revision, kind: "challenge", ...ownWords(text) });
}

/** Tells somebody that they have been let in. */
export function composePaired(
  { accountId, channelId }: Pick<PairingRequest, "accountId" | "channelId">,
  texts: Texts,
): readonly Frozen[] {
  return freezeUnasked({ accountId, channelId, ...ownWords(notice("paired", {}, texts)) });
}

/** Characters of a button's label, at most. */
const MAX_LABEL_LENGTH = 80;

/** What an owner is asked, and the buttons to answer with. */
export function askOwner(
  request: PairingRequest,
  texts: Texts,
): { readonly text: string; readonly buttons: readonly Button[] } {
  const { code, expiresAt, buttons: { approve, deny } } = request;
  const until = `<t:${Math.floor(expiresAt / 1_000)}:t>`; // Discord shows the reader's own time
  const label = (key: "approve" | "deny") => notice(key, {}, texts).slice(0, MAX_LABEL_LENGTH);
  return {
    text: notice("pairingAsked", { ...whoOf(request), code, until }, texts),
    buttons: [
      { customId: approve, label: label("approve"), style: "success" },
      { customId: deny, label: label("deny"), style: "danger" },
    ],
  };
}

/** A press that found its request, with what became of it. */
export type Pressed = Extract<PairingOutcome, { readonly request: PairingRequest }>;

/** What takes the place of the question, once a button below it was pressed. */
export function pressedText({ kind, request }: Pressed, by: UserId, texts: Texts): string {
  const who = whoOf(request);
  switch (kind) {
    case "approved":
    case "denied":
      return notice(kind, { ...who, by: `<@${by}>` }, texts);
    case "already":
      return notice("decidedBefore", who, texts);
    case "expired":
      return notice("pairingExpired", who, texts);
  }
}

function whoOf({ username, userId }: PairingRequest) {
  return { name: nameAsCode(username), id: userId };
}
