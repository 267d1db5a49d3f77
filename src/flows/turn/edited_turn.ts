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
import type { TurnRecords } from "../../store/turns/turns.ts";
import { RefusedCall } from "../../core/refused_call.ts";
import type { FollowedEdit } from "../../core/turn/asking.ts";
import { changesNothing, type Tool } from "../../core/turn/tool.ts";
import { readerTime } from "../../lib/text/units.ts";
import { withFirstLine } from "../../render/preface.ts";
import type { ReplyToSend } from "../../render/cost.ts";
import { notice } from "../../render/notices/notices.ts";
import { editedOf } from "../../render/prompt/question.ts";
import type { TurnRules } from "./answer_ports.ts";

/** The calls of the earlier turns that have done something, or perhaps have, with their results. */
export function doneBefore(
  { before }: FollowedEdit,
  tools: readonly Tool[],
): readonly { readonly call: ToolCall; readonly result: Extract<Step, { kind: "result" }> }[] {
  const calls = new Map<string, ToolCall>();
  return before.flatMap((step) => {
    if (step.kind === "answer") { for (const call of step.calls) calls.set(call.id, call); }
    const call = step.kind === "result" ? calls.get(step.callId) : undefined;
    if (step.kind !== "result" || !call || step.end === "failed") return [];
    const tool = tools.find(({ name }) => name === call.name);
    return tool && changesNothing(tool, valueOf(call)) ? [] : [{ call, result: step }];
  });
}

function valueOf({ arguments: written }: ToolCall): unknown {
  try {
    return JSON.parse(written);
  } catch {
    return undefined; // the call has failed
  }
}

/** The rules of such a turn: without workflow, and with the tools that change nothing. */
export function rulesAfterEdit(rules: TurnRules): TurnRules {
  return {
    ...rules,
    workflow: undefined,
    tools: rules.tools.flatMap((tool) => {
      if (tool.afterEdit === undefined) return [];
      return tool.afterEdit === "run" ? tool : readingOnly(tool);
    }),
  };
}

/** A tool that runs only the calls that change nothing. */
function readingOnly(tool: Tool): Tool {
  const run: Tool["run"] = async (input, context) => {
    if (changesNothing(tool, input)) return await tool.run(input, context);
    throw new RefusedCall(
      "closed_tool",
      "this turn follows an edit of a question, so it changes nothing: the person must ask in a " +
        "new message",
    );
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
export function upToQuestion(
  store: Pick<TurnRecords, "entriesOf">,
  claim: Claim,
): Pick<TurnRecords, "entriesOf"> {
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

/** Adds the line that people see above the new answer. It stays true if later edits get no answer. */
export function withEditLine(
  answer: ReplyToSend,
  again: FollowedEdit,
  home: Claim,
  { texts, tools, chunks: { limit } }: TurnRules,
): ReplyToSend {
  const names = [...new Set(doneBefore(again, tools).map(({ call }) => call.name))];
  // Without a revision, the edited question is deleted, and the others are answered anew.
  const editedAt = Math.max(...messagesOf(home).map(({ revision }) => revision)) || again.edit.at;
  const at = readerTime(editedAt, "T");
  const line = names.length === 0
    ? notice("answersEdited", { at }, texts)
    : notice("answersEditedDone", { at, tools: names.join(", ") }, texts);
  return withFirstLine(answer, line, limit);
}

/** The record of such a turn. Without an answer, the earlier one stays, and no notice follows it. */
export function asAgain(ended: FinishedTurn): FinishedTurn {
  const none = { outbox: [], told: undefined, isMarked: false };
  return ended.end.kind === "answered" ? ended : { ...ended, ...none };
}
