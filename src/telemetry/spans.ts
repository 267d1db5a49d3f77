/**
 * The spans of a turn, by OpenTelemetry's semantic conventions for generative AI.
 *
 * The conventions are not stable, so their version is pinned. Contents are left out: spans have
 * names, times and numbers only.
 */

import type { TimelineEntry, TurnTrace } from "../core/turn/timeline.ts";

export const CONVENTIONS = "1.45.0";

export type SpanAttributes = Readonly<Record<string, string | number>>;

/** One span. Times are Unix times in milliseconds. */
export interface SpanOfTurn {
  readonly name: string;
  /** Whether it is a request to another service. */
  readonly kind: "internal" | "client";
  readonly startedAt: number;
  readonly endedAt: number;
  readonly attributes: SpanAttributes;
  readonly hasFailed: boolean;
}

/** The spans of a turn: the root, then its children in order. */
export function spansOf(trace: TurnTrace): readonly [SpanOfTurn, ...SpanOfTurn[]] {
  const { agentId, sessionKey, messageId, accountId, modelId, failure, entries } = trace;
  const about = aboutModel(modelId);
  return [
    {
      name: `invoke_agent ${agentId}`,
      kind: "internal",
      startedAt: trace.startedAt,
      endedAt: trace.endedAt,
      hasFailed: failure !== undefined,
      attributes: {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": agentId,
        "gen_ai.conversation.id": sessionKey,
        ...about,
        ...totalOf(entries),
        "barnacle.account.id": accountId,
        "barnacle.message.id": messageId,
        ...(failure !== undefined && { "error.type": failure }),
      },
    },
    ...entries.map((entry) => childOf(entry, about)),
  ];
}

/** The attributes of a model: `"<provider>/<model>"`. */
function aboutModel(modelId: string) {
  const slash = modelId.indexOf("/");
  return {
    "gen_ai.provider.name": modelId.slice(0, slash),
    "gen_ai.request.model": modelId.slice(slash + 1),
  };
}

function childOf(entry: TimelineEntry, turn: ReturnType<typeof aboutModel>): SpanOfTurn {
  const { startedAt, endedAt } = entry;
  if (entry.kind === "model") {
    const { modelId, failure } = entry;
    const about = modelId === undefined ? turn : aboutModel(modelId);
    return {
      name: `chat ${about["gen_ai.request.model"]}`,
      kind: "client",
      startedAt,
      endedAt,
      hasFailed: failure !== undefined,
      attributes: {
        "gen_ai.operation.name": "chat",
        ...about,
        ...totalOf([entry]),
        ...(failure !== undefined && { "error.type": failure }),
      },
    };
  }
  const { name, callId, end } = entry;
  return {
    name: `execute_tool ${name}`,
    kind: "internal",
    startedAt,
    endedAt,
    hasFailed: end !== "done",
    attributes: {
      "gen_ai.operation.name": "execute_tool",
      "gen_ai.tool.name": name,
      "gen_ai.tool.call.id": callId,
      "gen_ai.tool.type": "function",
      ...(end !== "done" && { "error.type": end }),
    },
  };
}

/** The tokens of all requests; no attributes if no server counted them. */
function totalOf(entries: readonly TimelineEntry[]): SpanAttributes {
  const counted = entries.flatMap((entry) =>
    entry.kind === "model" && entry.usage ? [entry.usage] : []
  );
  if (counted.length === 0) return {};
  return {
    "gen_ai.usage.input_tokens": counted.reduce((sum, { inputTokens }) => sum + inputTokens, 0),
    "gen_ai.usage.output_tokens": counted.reduce((sum, { outputTokens }) => sum + outputTokens, 0),
  };
}
