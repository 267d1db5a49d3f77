/**
 * Records the requests and the tool calls of one turn with their times, for the export of traces.
 */

import { isResult, type Toolbox } from "../../agent/toolbox.ts";
import type { TurnOutcome } from "../../core/turn/turn_outcome.ts";
import type { Claim, TurnEnd } from "../../core/inbound/inbox.ts";
import { type Model, ModelError, type ModelPart, withGenerate } from "../../core/model.ts";
import type { TimelineEntry, TurnTrace } from "../../core/turn/timeline.ts";
import type { Account } from "../../core/account/account.ts";

export interface TurnTracing {
  model(model: Model): Model;
  toolbox(toolbox: Toolbox): Toolbox;
  end(end: TurnEnd, outcome: TurnOutcome | undefined): TurnTrace;
}

/**
 * Begins the record of a turn. After a crash, it has only the rest of the turn.
 *
 * @param modelId `"<provider>/<model>"`.
 */
export function traceTurn(
  { message, route: { agentId, sessionKey } }: Claim,
  { now }: Pick<Account, "now">,
  modelId: string,
): TurnTracing {
  const startedAt = now();
  const entries: TimelineEntry[] = [];

  async function* traced(parts: AsyncIterable<ModelPart>): AsyncGenerator<ModelPart> {
    const startedAt = now();
    let finish: Extract<ModelPart, { kind: "finish" }> | undefined;
    let failure = "incomplete";
    try {
      for await (const part of parts) {
        if (part.kind === "finish") finish = part;
        yield part;
      }
    } catch (error) {
      failure = kindOf(error);
      throw error;
    } finally {
      const { calls = [], usage, modelId: answered } = finish ?? {};
      entries.push({
        kind: "model",
        startedAt,
        endedAt: now(),
        calls: calls.map(({ name }) => name),
        usage,
        modelId: answered,
        failure: !finish ? failure : undefined,
      });
    }
  }

  return {
    model: (model) =>
      withGenerate(model, (request, signal) => traced(model.generate(request, signal))),
    toolbox: (toolbox) => ({
      ...toolbox,
      async run(call, context) {
        const startedAt = now();
        const result = await toolbox.run(call, context);
        if (!isResult(result)) return result; // its next run has the result
        const { id: callId, name, arguments: written } = call;
        entries.push({
          kind: "tool",
          startedAt,
          endedAt: now(),
          name,
          callId,
          arguments: written,
          end: result.end,
          chars: result.text.length,
        });
        return result;
      },
    }),
    end(end, outcome) {
      const failure = failureOf(end, outcome);
      return {
        accountId: message.accountId,
        agentId,
        sessionKey,
        messageId: message.id,
        modelId,
        startedAt,
        endedAt: now(),
        failure,
        entries,
      };
    },
  };
}

function failureOf({ kind }: TurnEnd, outcome: TurnOutcome | undefined): string | undefined {
  switch (kind) {
    case "answered":
    case "declined":
      return undefined;
    case "refused":
      return "budget_spent";
    case "interrupted":
      return "interrupted";
    case "failed":
      return outcome?.kind === "failed" ? kindOf(outcome.error) : "unexpected";
  }
}

/** The kind of a failure, without its message, which may have words of people. */
function kindOf(error: unknown): string {
  if (error instanceof ModelError) return error.kind;
  return error instanceof Error && error.name === "AbortError" ? "timeout" : "unexpected";
}
