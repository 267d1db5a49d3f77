/**
 * A button that somebody has pressed (P3, P16).
 *
 * Whoever sees a button can press it, and a client can claim to have pressed one
 * that was never there. So nothing counts but who presses, which policy judges,
 * and what the store knows under that button's name. Discord drops a press that
 * nobody answers, so each is answered within a second, whatever the store does.
 *
 * @module
 */

import type { AccountId } from "../../core/discord/ids.ts";
import type { Press } from "../../core/inbound/inbound.ts";
import type { Frozen } from "../../core/outbound/outbound.ts";
import type { PairingOutcome, PairingRequest } from "../../core/inbound/pairing.ts";
import type { Verdict } from "../../core/inbound/verdict.ts";
import type { Log } from "../../lib/log.ts";
import type { Schedule } from "../../lib/schedule.ts";
import { notice, type Texts } from "../../render/notices.ts";
import { composePaired, pressedText } from "../../render/pairing.ts";
import { isPairingButton } from "./challenge.ts";

export interface PressPorts {
  /** As an event that needs an owner. */
  readonly authorize: (press: Press) => Verdict | Promise<Verdict>;
  readonly store: {
    /** One transaction: who is let in is told so in it. */
    decide(asked: {
      readonly accountId: AccountId;
      readonly by: { readonly button: string };
      /** Of no consequence: the button says. */
      readonly how: "approve" | "deny";
      readonly decidedBy: string;
      readonly now: number;
      readonly notify: (request: PairingRequest) => readonly Frozen[];
    }): Promise<PairingOutcome>;
  };
  readonly interactions: {
    /** Puts a text in the place of the message, without its buttons. */
    update(press: Press, content: string): Promise<void>;
    /** Says it to who pressed, and to nobody else. */
    reply(press: Press, content: string): Promise<void>;
  };
  readonly texts: () => Texts;
  /** The outbox has a new row: somebody is told that they may write. */
  readonly onOutbox: (request: PairingRequest) => void;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  readonly schedule: Schedule;
  readonly log: Log;
}

/** Milliseconds until a press is answered, one way or another. */
export const ANSWER_MS = 1_000;

/** What is said, and where. */
interface Said {
  readonly how: "update" | "reply";
  readonly text: string;
}

/** @returns A function that never rejects. */
export function createPressed(ports: PressPorts): (press: Press) => Promise<void> {
  const { interactions, texts, schedule, log } = ports;

  async function answer(press: Press, { how, text }: Said): Promise<void> {
    try {
      await interactions[how](press, text);
    } catch (error) {
      log.warn("Cannot answer the press of a button", { ...idsOf(press), error });
    }
  }

  /** What the press comes to; a failure is said, not thrown. */
  async function settled(press: Press): Promise<Said> {
    try {
      return await settle(press, ports);
    } catch (error) {
      log.error("A button was pressed, and what it asks for failed", { ...idsOf(press), error });
      return { how: "reply", text: notice("pressFailed", {}, texts()) };
    }
  }

  return async (press) => {
    const late = Promise.withResolvers<Said>();
    const cancel = schedule(() => {
      log.warn("A button was pressed, and what it asks for takes too long", idsOf(press));
      late.resolve({ how: "reply", text: notice("pressFailed", {}, texts()) });
    }, ANSWER_MS);
    const said = await Promise.race([settled(press), late.promise]);
    cancel();
    await answer(press, said);
  };
}

async function settle(press: Press, ports: PressPorts): Promise<Said> {
  const { authorize, store, texts, onOutbox, now, log } = ports;
  const { accountId, customId, sender: { id: by } } = press;
  const reply = (key: "notAuthorized" | "deadButton"): Said => ({
    how: "reply",
    text: notice(key, {}, texts()),
  });

  const { kind, why, rule } = await authorize(press);
  if (kind !== "accept") {
    log.warn("A button was pressed by somebody whom it is not for", { ...idsOf(press), why, rule });
    return reply("notAuthorized");
  }
  if (!isPairingButton(customId)) {
    log.info("A button was pressed that nobody knows", idsOf(press));
    return reply("deadButton");
  }
  const outcome = await store.decide({
    accountId,
    by: { button: customId },
    how: "approve",
    decidedBy: by,
    now: now(),
    notify: (request) => composePaired(request, texts()),
  });
  if (outcome.kind === "unknown" || outcome.kind === "closed") {
    log.info("A button was pressed that nobody knows", idsOf(press));
    return reply("deadButton");
  }
  const { request } = outcome;
  log.info("A button has decided whether a stranger is let in", {
    ...idsOf(press),
    outcome: outcome.kind,
    userId: request.userId,
    username: request.username,
  });
  if (outcome.kind === "approved") onOutbox(request);
  return { how: "update", text: pressedText(outcome, by, texts()) };
}

/** For the log; the token of an interaction is a secret. */
function idsOf({ id, messageId, channelId, sender }: Press) {
  return { interactionId: id, messageId, channelId, pressedBy: sender.id };
}
