/**
 * Answers the press of a button (P3, P16).
 *
 * Any person who sees a button can press it, and a client can claim to have pressed one that never
 * existed. So only two things count: the person, whom policy judges, and the store's record of that
 * button's id. Discord drops a press without an answer, so each gets one within a second, whatever
 * the store does.
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

/** Everything that this flow needs from outside. */
export interface PressPorts {
  /** Judges the press as an event that needs an owner. */
  readonly authorize: (press: Press) => Verdict | Promise<Verdict>;
  /** The store's pairing requests. */
  readonly store: {
    /**
     * Decides a request in one transaction, which also queues the message to an approved person.
     */
    decide(asked: {
      readonly accountId: AccountId;
      readonly by: { readonly button: string };
      /** Ignored: the button decides. */
      readonly how: "approve" | "deny";
      readonly decidedBy: string;
      readonly now: number;
      readonly notify: (request: PairingRequest) => readonly Frozen[];
    }): Promise<PairingOutcome>;
  };
  /** Answers to the interaction, at Discord. */
  readonly interactions: {
    /** Replaces the message by a text without buttons. */
    update(press: Press, content: string): Promise<void>;
    /** Answers so that only the person who pressed can see it. */
    reply(press: Press, content: string): Promise<void>;
  };
  /** Returns the current texts, since the config may change. */
  readonly texts: () => Texts;
  /** Tells that the outbox has a new row, for an approved person. */
  readonly onOutbox: (request: PairingRequest) => void;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  /** Timer for the time limit. */
  readonly schedule: Schedule;
  /** Gets each decision and each failure. */
  readonly log: Log;
}

/** Milliseconds until a press gets an answer in any case. */
export const ANSWER_MS = 1_000;

/** An answer, and where to put it. */
interface Said {
  readonly how: "update" | "reply";
  readonly text: string;
}

/**
 * Creates the flow for one account.
 *
 * @returns A function that never rejects.
 */
export function createPressed(ports: PressPorts): (press: Press) => Promise<void> {
  const { interactions, texts, schedule, log } = ports;

  async function answer(press: Press, { how, text }: Said): Promise<void> {
    try {
      await interactions[how](press, text);
    } catch (error) {
      log.warn("Cannot answer the press of a button", { ...idsOf(press), error });
    }
  }

  /** The answer to a press; a failure gives one, too. */
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

/** For the log, without the interaction's token, which is a secret. */
function idsOf({ id, messageId, channelId, sender }: Press) {
  return { interactionId: id, messageId, channelId, pressedBy: sender.id };
}
