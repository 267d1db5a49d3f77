/**
 * Plays a turn of two steps with a model, as the bot would, and measures it (`barnacle model test`).
 *
 * The first step has the bot's own prompt and tools, and one image. The second one sends the model's
 * answer and a tool's result back: some servers refuse only that. What a server refuses is left out
 * part by part, so that each part has its own result.
 */

import type { Clock } from "../../lib/clock.ts";
import { withoutImages, withoutTools } from "../../core/fit_request.ts";
import {
  type Model,
  ModelError,
  type ModelErrorKind,
  type ModelMessage,
  type ModelRequest,
  type ModelUsage,
  type ToolCall,
  type ToolDefinition,
} from "../../core/model.ts";
import { RED_SQUARE, SMALL_TOOL } from "../refused/probe.ts";

/** The result of a turn. Times are milliseconds. */
export interface TriedModel {
  /** Until the first text or call of the first step, whose prompt is as long as that of a turn. */
  readonly firstMs: number;
  /** Until the end of the first step. */
  readonly totalMs: number;
  readonly tools: boolean;
  readonly images: boolean;
  /** Whether it answers after a tool's result; absent if it called no tool. */
  readonly secondStep?: boolean;
  /** Whether its text came in several pieces; absent if there was too little text. */
  readonly streams?: boolean;
  /** The server's reasons, by the refused part. */
  readonly refused: Readonly<Partial<Record<TriedPart | "secondStep", string>>>;
  /** Tokens of the first step; absent if the server reports none. */
  readonly usage?: ModelUsage;
}

/** A part of the first step that a server may refuse; `ownTools`: the tools beside that of the test. */
export type TriedPart = "images" | "ownTools" | "tools";

const QUESTION: ModelMessage = {
  role: "user",
  text: "This tests a connection. Which one colour fills the image? Call the tool " +
    "`report_colour` with its English name, in one word. If you see no image, call it with the " +
    "word none.",
  images: [RED_SQUARE],
};

const RESULT = "Noted. Now write two sentences about the sea, and call no tool.";

/** Fewest UTF-16 units of a text that a server streams in several pieces. */
const STREAMED_CHARS = 40;

/** Failures that concern each request: no smaller one would help. */
const OF_ALL: ReadonlySet<ModelErrorKind> = new Set<ModelErrorKind>([
  "unauthorized",
  "quota",
  "web_page",
  "redirected",
  "filtered",
  "rate_limited",
  "timeout",
]);

/** Parts to leave out, until the server takes the rest: one, and then several. */
const LEFT_OUT: readonly (readonly TriedPart[])[] = [
  [],
  ["images"],
  ["ownTools"],
  ["images", "ownTools"],
  ["tools"],
  ["images", "tools"],
];

const WITHOUT: Readonly<Record<TriedPart, (request: ModelRequest) => ModelRequest>> = {
  images: withoutImages,
  ownTools: (request) => ({ ...request, tools: [SMALL_TOOL] }),
  tools: withoutTools,
};

/**
 * Plays the turn.
 *
 * @param prompt System prompt and tools of a turn.
 * @param now Milliseconds of a clock that never goes back.
 * @throws {ModelError} If the model gives no answer, however small the request is.
 */
export async function tryModel(
  model: Model,
  prompt: { readonly system: string; readonly tools: readonly ToolDefinition[] },
  now: Clock["now"],
  signal: AbortSignal,
): Promise<TriedModel> {
  const whole: ModelRequest = {
    system: prompt.system,
    messages: [QUESTION],
    tools: [...prompt.tools, SMALL_TOOL],
  };
  let failure: unknown;
  let first: TriedStep | undefined;
  let request = whole;
  let refused: Partial<Record<TriedPart | "secondStep", string>> = {};
  /** The last refusal of a request with the part. */
  const reasons: typeof refused = {};
  for (const left of LEFT_OUT) {
    request = left.reduce((fewer, part) => WITHOUT[part](fewer), whole);
    try {
      first = await askOnce(model, request, now, signal);
      refused = Object.fromEntries(left.map((part) => [part, reasons[part]]));
      break;
    } catch (error) {
      failure ??= error;
      if (!(error instanceof ModelError) || OF_ALL.has(error.kind)) break;
      for (const part of LEFT_OUT.flat()) if (!left.includes(part)) reasons[part] = error.message;
    }
  }
  if (!first) throw failure;
  const { said, calls, carried: _, pieces, usage, ...times } = first;
  const hasCalled = calls.some(({ name }) => name === SMALL_TOOL.name);
  const second = hasCalled
    ? await askOnce(model, withResults(request, first), now, signal).catch((error: unknown) => {
      if (!(error instanceof ModelError)) throw error;
      refused.secondStep = error.message;
      return undefined;
    })
    : undefined;
  const last = second ?? { said, pieces };
  const written = calls.map((call) => call.arguments).join(" ");
  const isSeen = /\b(?:red|crimson|scarlet)\b/i.test(`${said} ${written}`);
  return {
    ...times,
    tools: hasCalled,
    images: refused.images === undefined && isSeen,
    ...(hasCalled && { secondStep: second !== undefined && second.said.trim() !== "" }),
    ...(last.said.length >= STREAMED_CHARS && { streams: last.pieces > 1 }),
    refused,
    usage,
  };
}

/** The answer of one step. */
interface TriedStep extends Pick<TriedModel, "firstMs" | "totalMs" | "usage"> {
  readonly said: string;
  readonly calls: readonly ToolCall[];
  readonly carried?: string;
  readonly pieces: number;
}

function withResults(
  request: ModelRequest,
  { said: text, calls, carried }: TriedStep,
): ModelRequest {
  const results = calls.map((call): ModelMessage => ({ role: "tool", call, text: RESULT }));
  return {
    ...request,
    messages: [...request.messages, { role: "assistant", text, calls, carried }, ...results],
  };
}

async function askOnce(
  model: Model,
  request: ModelRequest,
  now: Clock["now"],
  signal: AbortSignal,
): Promise<TriedStep> {
  const startedAt = now();
  let firstMs: number | undefined;
  let said = "";
  let pieces = 0;
  for await (const part of model.generate(request, signal)) {
    firstMs ??= now() - startedAt;
    if (part.kind === "text") {
      said += part.text;
      pieces += 1;
      continue;
    }
    if (part.kind === "again") said = "";
    if (part.kind === "thinking" || part.kind === "again") continue;
    const { calls = [], carried, usage } = part;
    return { firstMs, totalMs: now() - startedAt, said, calls, carried, pieces, usage };
  }
  throw new ModelError(`${model.id} ended its answer early`, {
    kind: "not_an_answer",
    modelId: model.id,
  });
}
