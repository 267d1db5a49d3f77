/**
 * The buttons below a pairing request: an owner approves or denies it (P3).
 *
 * @module
 */

import { notice } from "../../render/notices/notices.ts";
import { composePaired, decisionText } from "../../render/pairing.ts";
import type { Component } from "../base/component.ts";

/**
 * Decides a pairing request. The store knows from the `custom_id` which request and which answer.
 */
export const pairingButton: Component = {
  kind: "button",
  name: "pairing",
  needs: "owner",
  async run(press, { pairing, onOutbox, texts, now, log }) {
    const { accountId, customId, sender: { id: decidedBy } } = press;
    const outcome = await pairing.decide({
      accountId,
      by: { button: customId },
      how: "approve",
      decidedBy,
      now: now(),
      notify: (request) => composePaired(request, texts()),
    });
    if (outcome.kind === "unknown" || outcome.kind === "closed") return undefined;
    const { request } = outcome;
    log.info("A pairing request was decided by its button", {
      interactionId: press.id,
      pressedBy: decidedBy,
      outcome: outcome.kind,
      userId: request.userId,
      username: request.username,
    });
    if (outcome.kind === "approved") onOutbox(request);
    return { how: "update", text: decisionText(outcome, decidedBy, texts()) };
  },
  failedText: (texts) => notice("pressFailed", {}, texts),
};
