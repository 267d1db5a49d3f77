/**
 * The built-in model's third wire format: Google's.
 *
 * @see {@link https://ai.google.dev/api/generate-content}
 */

import { z } from "zod";
import {
  INPUT_TOKENS,
  jsonOf,
  type ReportedTokens,
  type WireFormat,
  type WireRequest,
} from "./wire.ts";

const partSchema = z.looseObject({
  text: z.string().optional(),
  functionCall: z.looseObject({ name: z.string() }).optional(),
  functionResponse: z.looseObject({ response: z.looseObject({ content: z.unknown() }) }).optional(),
});

const contentSchema = z.looseObject({
  role: z.string().optional(),
  parts: z.array(partSchema).default([]),
});

const requestSchema = z.looseObject({
  contents: z.array(contentSchema),
  systemInstruction: contentSchema.optional(),
  tools: z.array(z.looseObject({
    functionDeclarations: z.array(z.looseObject({ name: z.string() })).default([]),
  })).default([]),
  toolConfig: z.looseObject({
    functionCallingConfig: z.looseObject({ mode: z.string().optional() }).optional(),
  }).optional(),
});

/** The model in a path such as `/v1/models/barnacle-script:streamGenerateContent`. */
export function googleModelIn(path: string): string | undefined {
  return /\/models\/([^/:]+):streamGenerateContent$/.exec(path)?.[1];
}

/** Parses a request; `undefined` if it does not ask for a chat. */
export function parseGoogleRequest(body: unknown, model: string): WireRequest | undefined {
  const { data } = requestSchema.safeParse(body);
  if (!data) return undefined;
  const declared = data.tools.flatMap(({ functionDeclarations }) =>
    functionDeclarations.map(({ name }) => name)
  );
  const messages = data.contents.flatMap(({ role, parts }) => {
    const results = parts.flatMap(({ functionResponse }) =>
      functionResponse ? [{ role: "tool", text: String(functionResponse.response.content) }] : []
    );
    const rest = parts.filter(({ functionResponse }) => !functionResponse);
    const said = { role: role === "model" ? "assistant" : "user", text: textOf(rest) };
    return [...results, ...(rest.length > 0 ? [said] : [])];
  });
  const mode = data.toolConfig?.functionCallingConfig?.mode;
  return {
    model,
    system: textOf(data.systemInstruction?.parts ?? []),
    messages,
    hasTools: declared.length > 0 || messages.some(({ role }) => role === "tool"),
    tools: mode === "NONE" ? [] : declared,
  };
}

function textOf(parts: readonly z.infer<typeof partSchema>[]): string {
  return parts.map(({ text }) => text ?? "").join("");
}

const FINISH = {
  stop: "STOP",
  length: "MAX_TOKENS",
  tool_calls: "STOP",
  content_filter: "SAFETY",
} as const;

/** Writes the events of Google's stream. */
export function googleFormat(
  model: string,
  { input, cached }: ReportedTokens = { input: INPUT_TOKENS },
): WireFormat<string> {
  const data = (payload: object) => `data: ${JSON.stringify(payload)}\n\n`;
  const parts = (...all: object[]) =>
    data({
      candidates: [{ index: 0, content: { role: "model", parts: all } }],
      modelVersion: model,
    });
  const error = (code: number, status: string, message: string) => ({
    error: { code, status, message },
  });
  return {
    open: () => "",
    text: (text) => parts({ text }),
    toolCall: ({ name, arguments: written }) => {
      const args = jsonOf(written) ?? {}; // this format has no place for anything else
      return parts({ functionCall: { name, args }, thoughtSignature: `signed-${name}` });
    },
    finish: (reason, candidatesTokenCount) =>
      data({
        candidates: [{
          index: 0,
          content: { role: "model", parts: [] },
          finishReason: FINISH[reason],
        }],
        usageMetadata: {
          promptTokenCount: input,
          candidatesTokenCount,
          totalTokenCount: input + candidatesTokenCount,
          ...(cached !== undefined && { cachedContentTokenCount: cached }),
        },
        modelVersion: model,
      }),
    error: (kind) =>
      data(
        kind === "overloaded"
          ? error(503, "UNAVAILABLE", "The model is overloaded")
          : error(400, "FAULT", "the model exploded"),
      ),
    errorBody: (message) => JSON.stringify(error(400, "ERROR", message)),
  };
}
