/**
 * Plays a turn of two steps with a model, as the bot would, and measures it (`barnacle model test`).
 *
 * The first step has the bot's own prompt and tools, and one image. The second one sends the model's
 * answer and a tool's result back: some servers refuse only that. A part that the server refuses
 * is left out, as in a turn.
 */

import { Buffer } from "node:buffer";
import type { Clock } from "../../lib/clock.ts";
import {
  ModelError,
  type ModelImage,
  type ModelMessage,
  type ModelRequest,
  type ModelUsage,
  type RefusedPart,
  type ToolCall,
  type ToolDefinition,
} from "../../core/model.ts";
import type { FittedModel } from "../refused/plainer_requests.ts";

const RED_PNG =
  "iVBORw0KGgoAAAANSUhEUgAAAQAAAAEAAQMAAABmvDolAAAAA1BMVEX/AAAZ4gk3AAAAH0lEQVR42u3BAQ0AAADC" +
  "oPdPbQ43oAAAAAAAAAAAvg0hAAABYOSdlwAAAABJRU5ErkJggg==";

/** A picture that each model with images takes: a red square of 256 by 256 pixels. */
const RED_SQUARE: ModelImage = {
  mediaType: "image/png",
  data: new Uint8Array(Buffer.from(RED_PNG, "base64")),
};

const SMALL_TOOL: ToolDefinition = {
  name: "report_colour",
  description: "Reports the colour of the image.",
  parameters: {
    type: "object",
    properties: { colour: { type: "string", description: "One English word." } },
    required: ["colour"],
    additionalProperties: false,
  },
};

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
  readonly refused: readonly Omit<RefusedPart, "modelId" | "at">[];
  /** Tokens of the first step; absent if the server reports none. */
  readonly usage?: ModelUsage;
}

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

/**
 * Plays the turn.
 *
 * @param prompt System prompt and tools of a turn.
 * @param now Milliseconds of a clock that never goes back.
 * @throws {ModelError} If the model gives no answer, however small the request is.
 */
export async function tryModel(
  model: FittedModel,
  prompt: { readonly system: string; readonly tools: readonly ToolDefinition[] },
  now: Clock["now"],
  signal: AbortSignal,
): Promise<TriedModel> {
  const request: ModelRequest = {
    system: prompt.system,
    messages: [QUESTION],
    tools: [...prompt.tools, SMALL_TOOL],
  };
  const first = await askOnce(model, request, now, signal);
  const { said, calls, carried: _, pieces, usage, ...times } = first;
  const tools = calls.some(({ name }) => name === SMALL_TOOL.name);
  const refused: Omit<RefusedPart, "modelId" | "at">[] = [];
  const second = tools
    ? await askOnce(model, withResults(request, first), now, signal).catch((error: unknown) => {
      if (!(error instanceof ModelError)) throw error;
      const part = "its own answer with the result of a tool";
      refused.push({ part, fix: "update the server, or set another model", reason: error.message });
      return undefined;
    })
    : undefined;
  const last = second ?? { said, pieces };
  const written = calls.map((call) => call.arguments).join(" ");
  return {
    ...times,
    tools,
    images: model.takesImages !== false &&
      /\b(?:red|crimson|scarlet)\b/i.test(`${said} ${written}`),
    ...(tools && { secondStep: second !== undefined && second.said.trim() !== "" }),
    ...(last.said.length >= STREAMED_CHARS && { streams: last.pieces > 1 }),
    refused: [...model.refused(), ...refused],
    usage,
  };
}

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
  model: FittedModel,
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
