/**
 * Answers an edited question anew, in the place of its earlier answer (H6a).
 *
 * The earlier turn may have changed things: these stay as they are, and the new turn is told. So it
 * has only the tools that change nothing but its answer and the agent's notes.
 */

import { type Claim, type FinishedTurn, messagesOf } from "../../core/inbound/inbox.ts";
import { compareIds, type MessageId } from "../../core/discord/ids.ts";
import type { ToolCall } from "../../core/model.ts";
import type { Step } from "../../core/step.ts";
import type { Transcripts } from "../../core/store/turns.ts";
import { RefusedCall } from "../../core/refused_call.ts";
import type { FollowedEdit } from "../../core/turn/asking.ts";
import { ProbeEnded } from "../../core/turn/decided_action.ts";
import type { Tool } from "../../core/turn/tool.ts";
import { withFirstLine } from "../../render/preface.ts";
import type { ReplyToSend } from "../../render/cost.ts";
import { notice } from "../../render/notices/notices.ts";
import { editedOf } from "../../render/prompt/question.ts";
import type { TurnRules } from "./answer_ports.ts";

/** Calls that tools after an edit may repeat, because they change nothing that stays. */
const tellsNothing = (tools: readonly Tool[], { name }: ToolCall): boolean =>
  tools.some((tool) => tool.name === name && tool.afterEdit === "run");

/** The calls of the earlier turns that have done something, or perhaps have, with their results. */
export function doneBefore(
  { before }: FollowedEdit,
  tools: readonly Tool[],
): readonly { readonly call: ToolCall; readonly result: Extract<Step, { kind: "result" }> }[] {
  const calls = new Map<string, ToolCall>();
  return before.flatMap((step) => {
    if (step.kind === "answer") { for (const call of step.calls) calls.set(call.id, call); }
    const call = step.kind === "result" ? calls.get(step.callId) : undefined;
    if (step.kind !== "result" || !call || step.end === "failed" || tellsNothing(tools, call)) {
      return [];
    }
    return isRead(call) ? [] : [{ call, result: step }];
  });
}

/** Actions of the tool `discord` that read only; others may have changed something. */
function isRead({ name, arguments: written }: ToolCall): boolean {
  return name === "discord" && /"action"\s*:\s*"(?:read|fetch|list|search|get)/.test(written);
}

/** The rules of such a turn: without workflow, and with the tools that change nothing. */
export function rulesAfterEdit(rules: TurnRules): TurnRules {
  return {
    ...rules,
    workflow: undefined,
    tools: rules.tools.flatMap((tool) =>
      tool.afterEdit === "run" ? tool : tool.afterEdit === "probe" ? readingOnly(tool) : []
    ),
  };
}

/** A tool whose calls end at their first change. */
function readingOnly(tool: Tool): Tool {
  const { probe } = tool;
  if (!probe) return tool;
  const run: Tool["run"] = async (input, context) => {
    try {
      return String(await probe.call(tool, input, context));
    } catch (error) {
      if (!(error instanceof ProbeEnded)) throw error;
      throw new RefusedCall(
        "closed_tool",
        "this turn follows an edit of a question, so it changes nothing: the person must ask in a " +
          "new message",
      );
    }
  };
  const reading: Tool = Object.create(tool, { run: { value: run }, asks: { value: undefined } });
  return reading;
}

/**
 * Adds a text above the message that tells of the edit. It is for the model alone: the transcript has
 * only the new question.
 *
 * @param again Absent: the turn follows no edit.
 */
export function withEditNote(
  envelope: string,
  again: FollowedEdit | undefined,
  tools: readonly Tool[],
  boundary: string,
): string {
  return again ? `${editedOf(doneBefore(again, tools), boundary)}\n${envelope}` : envelope;
}

/** The transcript up to the question: what came after it, the answer of then did not know either. */
export function upToQuestion(store: Transcripts, claim: Claim): Transcripts {
  const ids: ReadonlySet<MessageId> = new Set(messagesOf(claim).map(({ id }) => id));
  return {
    async entriesOf(sessionKey, limit, maxChars) {
      const entries = await store.entriesOf(sessionKey, limit, maxChars);
      const at = entries.findIndex(({ messageId }) => ids.has(messageId));
      return at >= 0
        ? entries.slice(0, at)
        : entries.filter(({ messageId }) => compareIds(messageId, claim.message.id) < 0);
    },
  };
}

/** Adds the line that people see above the new answer. */
export function withEditLine(
  answer: ReplyToSend,
  again: FollowedEdit,
  { texts, tools, chunks: { limit } }: TurnRules,
): ReplyToSend {
  const names = [...new Set(doneBefore(again, tools).map(({ call }) => call.name))];
  const line = names.length === 0
    ? notice("answersEdited", {}, texts)
    : notice("answersEditedDone", { tools: names.join(", ") }, texts);
  return withFirstLine(answer, line, limit);
}

/** The record of such a turn. Without an answer, the earlier one stays, and no notice follows it. */
export function asAgain(ended: FinishedTurn): FinishedTurn {
  return ended.end.kind === "answered" ? ended : { ...ended, outbox: [], told: undefined };
}
