/**
 * Makes the record of a turn's end, which the store keeps with T3.
 *
 * A failed turn has one line for the user and the reason in the log, both with the same id (R11).
 *
 * @module
 */

import { transcriptOf } from "../../agent/next_step.ts";
import type { StepsTaken } from "../../core/turn/turn_outcome.ts";
import { type Claim, type FinishedTurn, lastOf, messagesOf } from "../../core/inbound/inbox.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { AccountId, MessageId } from "../../core/discord/ids.ts";
import type { Entry } from "../../core/inbound/transcript.ts";
import type { Model, ToolCall } from "../../core/model.ts";
import type { ProgressPlace } from "../../core/outbound/draft.ts";
import { joinedBy, type Step } from "../../core/step.ts";
import type { Tool } from "../../core/turn/tool.ts";
import { visibleText } from "../../render/safety/visible.ts";
import { freeze } from "../../render/freeze.ts";
import {
  type Answered,
  type ComposedReply,
  composeFailure,
  type ReplyRules,
} from "../../render/reply.ts";
import { UNDO_BUTTON } from "../../core/outbound/outbound.ts";
import type { ToolChanges } from "../../core/store/changes.ts";
import { UNDO_MINUTES } from "../../core/turn/ports/discord_place.ts";
import type { Clock } from "../../lib/clock.ts";
import { notice, type Texts } from "../../render/notices/notices.ts";
import type { TurnTexts } from "./texts_of_turn.ts";
import type { Account } from "../../core/account/account.ts";

/** Everything that the end of a turn needs from outside. */
export interface EndPorts extends Pick<Account, "randomId" | "now" | "log"> {
  /** The model that answered, or failed. */
  readonly model: Pick<Model, "id">;
  /** Tells that an answer lacks its files, because the bot may not attach any there (R12a). */
  readonly onNoFiles: (place: Pick<InboundMessage, "channelId" | "guildId">) => void;
}

/** The part of a turn's rules that its end needs. */
export interface EndRules extends Pick<ReplyRules, "texts"> {
  /** Name of the place for people, for the log (S2). */
  readonly where: string;
}

/** Everything of a turn that its record needs, beside its answer. */
export interface AnsweredWith extends Partial<StepsTaken> {
  /** The texts of the turn's messages, as the model read them. */
  readonly texts: TurnTexts;
  /** The turn's rules. */
  readonly rules: EndRules & { readonly tools?: readonly Tool[] };
  /** Maximum UTF-16 units of the results of tools in the transcript, together. */
  readonly maxKeptChars: number;
}

/**
 * The message that a turn's answer belongs to: the last one. Its text is that of all of them, because
 * a person may have written a link in any (R9).
 */
export function ofTurn(claim: Claim): Answered {
  const { also, route: { agentId } } = claim;
  const last = lastOf(claim);
  if (!also) return { message: last, agentId };
  return {
    message: { ...last, text: messagesOf(claim).map(({ text }) => text).join("\n") },
    agentId,
  };
}

/** The message that a turn's drafts belong to: the first one, whatever its text is now. */
export function draftsOf({ message, route: { agentId } }: Claim): Answered {
  return { message: { ...message, revision: 0 }, agentId };
}

/** The turn that a progress line belongs to: as its drafts do, to the first message. */
export function progressPlaceOf(
  { message: { accountId, channelId, guildId, id: cause }, route: { agentId } }: Claim,
): Omit<ProgressPlace, "stopLabel"> {
  const place = { accountId, channelId, guildId };
  return { ...place, cause, revision: 0, agentId };
}

/** The record of a turn in whose place a later message came (S5). */
export function interruptedTurn(claim: Claim, entries: readonly Entry[]): FinishedTurn {
  return { claim, end: { kind: "interrupted" }, entries, outbox: [] };
}

/** The record of a turn with an answer. An answer without anything to show is a failure. */
export function answeredTurn(
  claim: Claim,
  composed: ComposedReply,
  { texts, rules, maxKeptChars, steps = [], unsaved = [] }: AnsweredWith,
  ports: EndPorts,
): FinishedTurn {
  if (composed.kind === "blank") {
    return failedTurn(claim, "nothing to show in the answer", rules, ports);
  }
  const message = lastOf(claim);
  if (composed.kind === "reply" && composed.lacksFiles) ports.onNoFiles(message);
  const stamp = { messageId: message.id, at: ports.now() };
  const isPersonal = (call: ToolCall) => showsToAskerAlone(call, rules.tools ?? [], claim.message);
  const showJoined = (id: MessageId) => {
    const text = texts.of(id);
    return text === undefined ? undefined : { text };
  };
  const transcript = transcriptOf(steps, maxKeptChars, showJoined, isPersonal);
  const joined = [...joinedBy(steps)].filter((id) => texts.of(id) !== undefined);
  const entries: readonly Entry[] = [
    ...texts.entries(stamp.at),
    ...transcript.map((said): Entry => ({
      ...said,
      ...(said.role === "assistant" && { text: visibleText(said.text) }),
      ...stamp,
      ...(said.role === "user" && { messageId: joined.shift() ?? message.id }),
    })),
    { role: "assistant", text: composed.text, ...stamp },
  ];
  const end = { claim, entries, steps: unsaved.length > 0 ? unsaved : undefined };
  return composed.kind === "declined"
    ? { ...end, end: { kind: "declined" }, outbox: [] }
    : { ...end, end: { kind: "answered" }, outbox: freeze(composed.reply) };
}

/**
 * The record of a failed turn, with the line for the user. Logs the reason.
 *
 * A scheduled task that fails in a guild or a group leaves no line: no person there waits for it. The
 * owners learn of it (`flows/schedules/runner.ts`).
 *
 * @param reason For the operator: why the turn failed, without the message's words.
 */
export function failedTurn(
  claim: Claim,
  reason: string,
  { texts, where }: EndRules,
  { randomId, log, model }: EndPorts,
  error?: unknown,
): FinishedTurn {
  const message = lastOf(claim);
  const { attempt } = claim;
  const failureId = randomId();
  log.error("A turn failed", {
    failureId,
    reason,
    model: model.id,
    messageId: message.id,
    channelId: message.channelId,
    where,
    attempt,
    ...(error !== undefined && { error }),
  });
  const isUnasked = messagesOf(claim).every(({ scheduled, place }) =>
    scheduled !== undefined && place.kind !== "dm"
  );
  const outbox = isUnasked ? [] : freeze(composeFailure(ofTurn(claim), failureId, texts));
  return { claim, end: { kind: "failed", failureId, reason }, entries: [], outbox };
}

/** Whether a call's result is for its asker alone. Arguments that are no JSON have only a failure. */
function showsToAskerAlone(
  { name, arguments: written }: ToolCall,
  tools: readonly Tool[],
  message: InboundMessage,
): boolean {
  const { isPersonal, isPersonalCall } = tools.find((tool) => tool.name === name) ?? {};
  if (isPersonal || !isPersonalCall) return isPersonal === true;
  try {
    return isPersonalCall(JSON.parse(written), message);
  } catch {
    return false;
  }
}

/** Whether something that the turn of a message has done can be taken back now. */
export type CanUndo = (messageId: MessageId) => Promise<boolean>;

/** Creates a {@link CanUndo} for one account. */
export function createCanUndo(
  { accountId, changes, now }: Clock & {
    readonly accountId: AccountId;
    readonly changes: Pick<ToolChanges, "since">;
  },
): CanUndo {
  return async (messageId) => {
    const made = await changes.since(accountId, undefined, now() - UNDO_MINUTES * 60_000);
    return made.some(({ turnId, undo, isUndone }) => turnId === messageId && undo && !isUndone);
  };
}

/** Discord's maximum number of characters for a button's label. */
const MAX_LABEL = 80;

/**
 * Adds the button to the last message of an answer.
 *
 * @param steps The steps of the turn: without a call of `discord`, the store is not asked.
 * @param canUndo Absent: no answer has the button.
 */
export async function withUndoButton(
  turn: FinishedTurn,
  steps: readonly Step[],
  texts: Texts,
  canUndo: CanUndo | undefined,
): Promise<FinishedTurn> {
  const { outbox, claim: { message: { id } } } = turn;
  const hasActed = steps.some((step) =>
    step.kind === "answer" && step.calls.some(({ name }) => name === "discord")
  );
  const last = outbox.at(-1);
  if (!hasActed || !last || last.message.buttons || !await canUndo?.(id)) return turn;
  const label = notice("undoButton", {}, texts).slice(0, MAX_LABEL);
  const buttons = [{ customId: `${UNDO_BUTTON}:${id}`, label, style: "secondary" as const }];
  const message = { ...last.message, buttons };
  return { ...turn, outbox: [...outbox.slice(0, -1), { ...last, message }] };
}
