/**
 * Makes the record of a turn's end, which the store keeps with T3, and logs the answer.
 *
 * A failed turn has words for the user, and the reason in the log, both with the same id (R11). If tools
 * have run before, the words say what was done, and the session remembers it. Otherwise the next turn
 * would do it again.
 */

import type { BotAccount } from "../../account/account.ts";
import { transcriptOf } from "../../agent/next_step.ts";
import { type Claim, type FinishedTurn, lastOf, messagesOf } from "../../core/inbound/inbox.ts";
import { cameBy, hookedOf, termsOf } from "../../core/inbound/origin.ts";
import type { Entry } from "../../core/inbound/transcript.ts";
import type { ModelUsage, ToolCall } from "../../core/model.ts";
import { nextStepAfter } from "../../core/model_problem.ts";
import type { ProgressPlace } from "../../core/outbound/draft.ts";
import { joinedBy, type Step } from "../../core/step.ts";
import { showsToAskerAlone, type Tool } from "../../core/turn/tool.ts";
import type { StepsTaken, TurnFailure } from "../../core/step.ts";
import type { Log } from "../../lib/log.ts";
import { printable } from "../../lib/text/quoted.ts";
import { failureText } from "../../render/failure.ts";
import { freeze } from "../../render/freeze.ts";
import {
  type Answered,
  type ComposedReply,
  composeEvent,
  composeFailure,
} from "../../render/reply.ts";
import { visibleText } from "../../render/safety/visible.ts";
import { filesLeftOut } from "../owners/delivery_notices.ts";
import type { TurnTexts } from "./turn_attachments.ts";

/** The part of a turn that its record needs in any case. */
export interface EndingTurn {
  readonly account: BotAccount;
  readonly model: { readonly id: string };
  readonly rules: {
    /** Name of the place for people, for the log (S2). */
    readonly where: string;
  };
}

/** Everything of a turn that its record needs, beside its answer. */
interface AnsweredWith {
  /** The steps of the turn; absent if the model called no tool. */
  readonly taken?: StepsTaken;
  /** The texts of the turn's messages, as the model read them. */
  readonly texts: TurnTexts;
  readonly rules: { readonly tools?: readonly Tool[] };
  /** Maximum UTF-16 units of the results of tools in the transcript, together. */
  readonly maxKeptChars: number;
  /** Whether the answer reached the model's maximum of output tokens; absent: it is whole. */
  readonly isCut?: true;
  /** As the message of the answer has it. */
  readonly carried?: string;
}

/**
 * The message that a turn's answer belongs to: the last one. Its text is that of all of them, because
 * a person may have written a link in any (R9).
 */
export function ofTurn(claim: Claim): Answered {
  const { also, route: { agentId } } = claim;
  const message = lastOf(claim);
  if (!also) return { message, agentId };
  return {
    message: { ...message, text: messagesOf(claim).map(({ text }) => text).join("\n") },
    agentId,
  };
}

/** The message that a turn's drafts belong to: the first one, whatever its text is now. */
export function firstOfTurn({ message, route: { agentId } }: Claim): Answered {
  return { message: { ...message, revision: 0 }, agentId };
}

/** The turn that a progress line belongs to: as its drafts do, to the first message. */
export function progressPlaceOf(
  { message: { accountId, channelId, guildId, id: cause }, route: { agentId } }: Claim,
): ProgressPlace {
  const place = { accountId, channelId, guildId };
  return { ...place, cause, revision: 0, agentId };
}

/** The record of a turn in whose place a later message came (S5). */
export function interruptedTurn(claim: Claim, entries: readonly Entry[]): FinishedTurn {
  return { claim, end: { kind: "interrupted" }, entries, outbox: [] };
}

/** The record of a turn in whose place a later message came before its answer was shown. */
export function withoutAnswer(turn: FinishedTurn): FinishedTurn {
  const entries = turn.entries.filter(({ role }) => role === "user");
  return { ...turn, end: { kind: "interrupted" }, entries, outbox: [], told: undefined };
}

/** Why an answer of a passive agent is recorded and not posted. */
const NOT_POSTED = "not posted: an active agent answers the message";

/**
 * The record of a turn with the messages that are posted. A passive agent's text is posted only if
 * no active agent may answer the message (N1). Where no one waits, a failure leaves no line.
 */
export function postedTurn(turn: FinishedTurn): FinishedTurn {
  const { claim: { message }, end } = turn;
  if (end.kind === "answered") {
    return cameBy(message, "passive")?.isAnswered
      ? { ...turn, end: { ...end, reason: end.reason ?? NOT_POSTED }, outbox: [] }
      : turn;
  }
  const { failed } = termsOf(message);
  const isPosted = failed === "told in direct messages"
    ? end.kind !== "failed" || message.place.kind === "dm"
    : failed !== "silent";
  return isPosted ? turn : { ...turn, outbox: [], told: undefined };
}

export function answeredTurn(
  claim: Claim,
  composed: Exclude<ComposedReply, { kind: "blank" }>,
  given: AnsweredWith,
  { account, model }: EndingTurn,
): FinishedTurn {
  const { now, log } = account;
  const message = lastOf(claim);
  if (composed.kind === "reply" && composed.lacksFiles) filesLeftOut(account, message);
  const reason = given.isCut && CUT;
  if (reason) {
    const fix = nextStepAfter(reason);
    log.warn("An answer is not whole", { reason, fix, model: model.id, messageId: message.id });
  }
  const entries = entriesOf(claim, composed.text, given, now());
  return recordOf(composed, claim, entries, { steps: unsavedOf(given), reason });
}

/** Why an answer is not whole, for the operator. */
const CUT = "cut: the model reached its maximum of output tokens, or broke off";

/** The steps of a turn that are not stored yet; `undefined` if there are none. */
function unsavedOf({ taken }: AnsweredWith): readonly Step[] | undefined {
  return taken && taken.unsaved.length > 0 ? taken.unsaved : undefined;
}

/**
 * The entries of a turn: its messages, its calls with their results, and its answer.
 *
 * @param answer The words that people read.
 */
function entriesOf(
  claim: Claim,
  answer: string,
  { texts, rules, maxKeptChars, taken, carried }: AnsweredWith,
  at: number,
): readonly Entry[] {
  const message = lastOf(claim);
  const stamp = { messageId: message.id, at };
  const isPersonal = (call: ToolCall) => showsToAskerAlone(call, rules.tools ?? [], claim.message);
  const steps: readonly Step[] = taken?.steps ?? [];
  const answers = steps.filter((step) => step.kind === "answer");
  // All of the turn or none: servers refuse a turn with a part of them. Thinking repeats results.
  const chars = [{ carried }, ...answers].reduce((sum, one) => sum + (one.carried?.length ?? 0), 0);
  const keeps = chars <= maxKeptChars && !answers.some(({ calls }) => calls.some(isPersonal));
  const own = keeps && carried !== undefined && { carried };
  const said = { role: "assistant", text: answer, ...own, ...stamp } as const;
  if (!taken) return [...texts.entries(at), said];
  const kept = transcriptOf(steps, maxKeptChars, texts.of, isPersonal);
  const joined = [...joinedBy(steps)].filter((id) => texts.of(id));
  return [
    ...texts.entries(at),
    ...kept.map((step): Entry => {
      if (step.role === "user") {
        const messageId = joined.shift() ?? message.id;
        return { ...step, ...texts.of(messageId), ...stamp, messageId };
      }
      return {
        ...step,
        ...(step.role === "assistant" && { text: visibleText(step.text) }),
        ...(!keeps && { carried: undefined }),
        ...stamp,
      };
    }),
    said,
  ];
}

const ANSWERED = { kind: "answered" } as const;

function recordOf(
  composed: Exclude<ComposedReply, { kind: "blank" }>,
  claim: Claim,
  entries: readonly Entry[],
  { steps, reason }: { readonly steps?: readonly Step[]; readonly reason?: string },
): FinishedTurn {
  return composed.kind === "declined"
    ? { claim, entries, steps, end: { kind: "declined" }, outbox: [] }
    : {
      claim,
      entries,
      steps,
      end: reason === undefined ? ANSWERED : { ...ANSWERED, reason },
      outbox: freeze(composed.reply),
    };
}

/**
 * Logs the answer of a stored turn. A failed or refused turn has its own line.
 *
 * @param facts The name of the place for people, and the cost.
 * @param modelId Id of the model that answered.
 */
export function logAnswer(
  { claim: { message }, end }: FinishedTurn,
  { where, ...cost }: Partial<({ readonly ms: number } & Partial<ModelUsage>)> & {
    readonly where: string;
  },
  { log, modelId }: { readonly log: Log; readonly modelId: string },
): void {
  if (end.kind === "failed" || end.kind === "refused") return;
  const { sender, id: messageId, channelId } = message;
  log.info(EVENTS[end.kind], {
    where: printable(where),
    sender: printable(sender.username),
    senderId: sender.id,
    model: modelId,
    ...cost,
    messageId,
    channelId,
  });
}

const EVENTS = {
  answered: "The model answered",
  declined: "The model declined to answer",
  interrupted: "A later message took the place of a turn",
} as const;

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
