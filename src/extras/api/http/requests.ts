/**
 * Reads requests in OpenAI's forms: chat completions, and responses.
 *
 * Fields that choose another form of answer, or tools of the client, are refused: an answer without
 * them would mislead the client. Fields that tune a model are ignored, because the agent chooses its
 * models by itself.
 */

import { z } from "zod";
import type { EarlierText } from "../../../core/programs/called.ts";
import { invalid } from "./errors.ts";

/** Maximum UTF-16 units of all texts of a request. */
const MAX_CHARS = 400_000;
/** Maximum number of messages of a request. */
const MAX_MESSAGES = 2_000;

export interface ApiRequest {
  readonly model: string;
  /** The question, with the instructions of the program. */
  readonly text: string;
  /** The conversation before it, oldest first. */
  readonly earlier: readonly EarlierText[];
  readonly stream: boolean;
  /** Whether the last part of a stream has the usage. */
  readonly includeUsage: boolean;
  /** Id of the response that it continues; absent: none. */
  readonly previous?: string;
}

const part = z.looseObject({ type: z.string(), text: z.string().optional() });
const content = z.union([z.string(), z.array(part).max(MAX_MESSAGES)], {
  error: "expected a text, or a list of parts with type and text",
});
const messageSchema = z.looseObject({
  role: z.string(),
  content: content.nullish(),
  type: z.string().optional(),
});
type WrittenMessage = z.infer<typeof messageSchema>;

const chatSchema = z.looseObject({
  model: z.string(),
  messages: z.array(messageSchema).min(1).max(MAX_MESSAGES),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
});

const responseSchema = z.looseObject({
  model: z.string(),
  input: z.union([z.string(), z.array(messageSchema).min(1).max(MAX_MESSAGES)], {
    error: "expected a text, or a list of messages with role and content",
  }),
  instructions: z.string().nullish(),
  previous_response_id: z.string().nullish(),
  stream: z.boolean().nullish(),
});

/** Reads the body of `/v1/chat/completions`. */
export function readChat(body: unknown): ApiRequest {
  const { model, messages, stream, stream_options: options } = parsed(chatSchema, body);
  refuseOther(body);
  const { instructions, texts } = sorted(messages, "messages");
  const { earlier, question } = split(texts, "messages");
  return {
    model,
    text: bounded(withInstructions(instructions, question), earlier),
    earlier,
    stream: stream === true,
    includeUsage: options?.include_usage === true,
  };
}

/**
 * Reads the body of `/v1/responses`. Its session keeps one message of the person for each response, so
 * an earlier conversation of the input is part of that message.
 */
export function readResponseRequest(body: unknown): ApiRequest {
  const { model, input, instructions, previous_response_id: previous, stream } = parsed(
    responseSchema,
    body,
  );
  refuseOther(body);
  const messages = typeof input === "string" ? [{ role: "user", content: input }] : input;
  const found = sorted(messages, "input");
  const { earlier, question } = split(found.texts, "input");
  const all = [instructions ?? "", found.instructions].filter((text) => text !== "").join("\n\n");
  const before = earlier.map(({ role, text }) => `${role}: ${text}`).join("\n\n");
  const asked = before === ""
    ? question
    : `The conversation so far:\n${before}\n\nThe question:\n${question}`;
  return {
    model,
    text: bounded(withInstructions(all, asked), []),
    earlier: [],
    stream: stream === true,
    includeUsage: true,
    previous: previous ?? undefined,
  };
}

function parsed<S extends z.ZodType>(schema: S, body: unknown): z.infer<S> {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const param = issue?.path.map(String).join(".") || null;
  throw invalid(`${param === null ? "" : `${param}: `}${issue?.message ?? "Invalid body"}`, param);
}

/** Values that mean the same as an absent field. */
const isAbsent = (value: unknown): boolean =>
  value === undefined || value === null || value === false ||
  (Array.isArray(value) && value.length === 0);

/** Fields that Barnacle refuses, each with the reason and the values that it takes. */
const REFUSED:
  readonly (readonly [name: string, why: string, takes: (value: unknown) => boolean])[] = [
    ["tools", "the agent has tools of its own; leave the field out", isAbsent],
    ["functions", "the agent has tools of its own; leave the field out", isAbsent],
    ["n", "there is one answer; leave the field out", (value) => isAbsent(value) || value === 1],
    ["response_format", "only text is possible", (value) => isAbsent(value) || isText(value)],
    [
      "text",
      "only the format text is possible",
      (value) =>
        isAbsent(value) || isAbsent(fieldOf(value, "format")) ||
        isText(fieldOf(value, "format")),
    ],
    [
      "modalities",
      "only text is possible",
      (value) => isAbsent(value) || Array.isArray(value) && value.every((one) => one === "text"),
    ],
    ["audio", "only text is possible", isAbsent],
    ["logprobs", "the agent's models tell none", isAbsent],
    ["background", "ask without it, and read GET /v1/responses/<id>", isAbsent],
    ["conversation", "continue by previous_response_id", isAbsent],
    ["prompt", "it is not possible here", isAbsent],
  ];

function refuseOther(body: unknown): void {
  for (const [name, why, takes] of REFUSED) {
    if (!takes(fieldOf(body, name))) throw invalid(`${name}: ${why}`, name);
  }
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

function isText(format: unknown): boolean {
  return fieldOf(format, "type") === "text";
}

/** The instructions of a program, and the conversation, with neighbours of one role joined. */
function sorted(messages: readonly WrittenMessage[], param: string) {
  const instructions: string[] = [];
  const texts: EarlierText[] = [];
  for (const [index, message] of messages.entries()) {
    const where = `${param}.${index}`;
    const text = textOf(message, where);
    const { role } = message;
    if (role === "system" || role === "developer") instructions.push(text);
    else if (role !== "user" && role !== "assistant") {
      throw invalid(`${where}.role: the roles are system, developer, user and assistant`, where);
    } else {
      const last = texts.at(-1);
      if (last?.role === role) texts[texts.length - 1] = { role, text: `${last.text}\n\n${text}` };
      else texts.push({ role, text });
    }
  }
  return { instructions: instructions.filter((text) => text !== "").join("\n\n"), texts };
}

function textOf({ type = "message", content }: WrittenMessage, where: string): string {
  if (type !== "message") throw invalid(`${where}: ${type} is not possible here`, where);
  if (content === undefined || content === null) {
    throw invalid(`${where}.content: a text is missing`, `${where}.content`);
  }
  if (typeof content === "string") return content;
  return content.map(({ type, text }) => {
    const isWords = type === "text" || type === "input_text" || type === "output_text";
    if (isWords && text !== undefined) return text;
    const problem = isWords ? "a text is missing" : `only texts are possible, and no ${type}`;
    throw invalid(`${where}.content: ${problem}`, `${where}.content`);
  }).join("\n");
}

function split(texts: readonly EarlierText[], param: string) {
  const last = texts.at(-1);
  if (last?.role !== "user" || last.text.trim() === "") {
    throw invalid(`${param}: the last one must be a text of the user`, param);
  }
  return { earlier: texts.slice(0, -1), question: last.text };
}

function withInstructions(instructions: string, question: string): string {
  return instructions === ""
    ? question
    : `Instructions of the program:\n${instructions}\n\nThe question:\n${question}`;
}

function bounded(text: string, earlier: readonly EarlierText[]): string {
  const chars = earlier.reduce((sum, one) => sum + one.text.length, text.length);
  if (chars <= MAX_CHARS) return text;
  throw invalid(`The texts have ${chars} characters; ${MAX_CHARS} are possible`);
}
