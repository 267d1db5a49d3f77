/**
 * Makes the record of a failed turn: words for the user, and the reason in the log, both with the same
 * id (R11).
 *
 * If tools have run before, the words say what was done, and the session remembers it. Otherwise the
 * next turn would do it again.
 */

import { hookedOf } from "../../core/inbound/origin.ts";
import { type Claim, type FinishedTurn, lastOf } from "../../core/inbound/inbox.ts";
import { nextStepAfter } from "../../core/model_problem.ts";
import type { TurnFailure } from "../../core/step.ts";
import { failureText } from "../../render/failure.ts";
import { freeze } from "../../render/freeze.ts";
import { composeEvent, composeFailure } from "../../render/reply.ts";
import {
  type AnsweredWith,
  type EndingTurn,
  entriesOf,
  ofTurn,
  unsavedOf,
} from "./finished_turn.ts";

/**
 * The record of a failed turn. Logs the reason. An event of a hook is posted as it is: an alert must not
 * be lost with its model.
 */
export function failedTurn(
  claim: Claim,
  { why = "unexpected", reason, retryAfterMs, error, given }: {
    /** Why, for the user; `unexpected` if absent. */
    readonly why?: TurnFailure;
    /** Why, for the operator, without the message's words. */
    readonly reason: string;
    /** Milliseconds for which the model's server takes no requests; absent if it names none. */
    readonly retryAfterMs?: number;
    /** For the log; absent if the reason says it all. */
    readonly error?: unknown;
    /** The parts of the turn; absent: it failed before the model was asked. */
    readonly given?: AnsweredWith;
  },
  { account: { randomId, now, log }, model, rules: { where } }: EndingTurn,
): FinishedTurn {
  const message = lastOf(claim);
  const failureId = randomId();
  const fix = nextStepAfter(reason);
  log.error("A turn failed", {
    failureId,
    reason,
    fix,
    model: model.id,
    messageId: message.id,
    channelId: message.channelId,
    where,
    attempt: claim.attempt,
    error: why === "unexpected" ? error : undefined, // other reasons say it all
  });
  const { steps = [] } = given?.taken ?? {};
  const text = failureText(why, failureId, steps, { now: now(), afterMs: retryAfterMs });
  const hooked = hookedOf(message);
  const notice = hooked
    ? composeEvent(ofTurn(claim), `${hooked.post}\n-# ${text}`)
    : composeFailure(ofTurn(claim), text);
  return {
    claim,
    end: { kind: "failed", failureId, reason },
    entries: given && steps.length > 0 ? entriesOf(claim, text, given, now()) : [],
    steps: given && unsavedOf(given),
    outbox: freeze(notice),
  };
}
