/** Plainer forms of a request, for servers that refuse a part of it (L3). None knows a server. */

import { hasCalls, plainMessages, withoutImages, withoutTools } from "../../core/model.ts";
import type { ModelMessage, ModelRequest, ToolDefinition } from "../../core/model.ts";
import type { ThinkLevel } from "../../core/config_file.ts";
import { isRecord } from "../../lib/text/json.ts";
import { carriedIn, withoutCarried } from "../answer_parts.ts";
import { withoutThinking } from "../thinking.ts";

export interface Form {
  /** The part that it leaves out, as the end of a sentence: "the field `store`". */
  readonly part: string;
  /** Tells it from others with the same part. */
  readonly id?: string;
  /** The operator's next step, in the imperative; absent if there is none. */
  readonly fix?: string;
  /** The whole ability that it takes away; absent for less. */
  readonly ability?: "tools" | "images" | ThinkLevel;
  /** Writes the request in this form. Returns the same object if it is in it. */
  readonly apply: (request: ModelRequest) => ModelRequest;
}

type Tools = readonly ToolDefinition[];

export const idOf = ({ part, id = "" }: Form): string => `${part} ${id}`;

/** A field of the body. `name` replaces it if it is there. */
export function fieldForm(field: string, name?: string): Form {
  return {
    part: `the field \`${field}\``,
    fix: "add it to `omit` of the provider, so that no request has it",
    apply: (request) => omitting(request, [field], name),
  };
}

function omitting(request: ModelRequest, fields: readonly string[], name?: string): ModelRequest {
  const { omit } = request;
  if (fields.every((field) => omit?.has(field))) return request;
  const all = fields.map((field) => [field, name] as const);
  return { ...request, omit: new Map([...all, ...omit ?? []]) };
}

/** Fields that an answer does not need. */
export const OPTIONAL_FIELDS: readonly string[] = [
  "stream_options",
  "max_tokens",
  "max_completion_tokens",
  "max_output_tokens",
  "maxOutputTokens",
  "store",
  "include",
  "prompt_cache_key",
  "cache_control",
  "strict",
];

const WHERE = "`omit` of the provider";

/** Streams of answers, which OpenAI has for verified organizations alone. */
export const STREAM: Form = {
  part: "streams of answers",
  fix: `add \`stream\` and \`stream_options\` to ${WHERE}`,
  apply: (request) => omitting(request, ["stream", "stream_options"]),
};

const LIMITS = OPTIONAL_FIELDS.filter((field) => /^max_|^maxO/.test(field));

/** Some servers want it. */
export const LIMIT: Form = {
  part: "a maximum of an answer's tokens",
  fix: `add \`max_tokens\` to ${WHERE}`,
  apply: (request) => omitting(request, LIMITS),
};

/** Without `store: false`, OpenAI keeps a request, so only words that name the field leave it out. */
const UNNAMED_FIELDS = OPTIONAL_FIELDS.filter((field) =>
  field !== "store" && !LIMITS.includes(field)
);

const FIELDS: Form = {
  part: "optional fields",
  fix: `add those that the server does not know to ${WHERE}`,
  apply: (request) => withoutThinking(omitting(request, UNNAMED_FIELDS)),
};

const SCHEMAS: Form = {
  part: "details in the schemas of tools",
  fix: "correct the schemas at the MCP servers, or update the server",
  apply: keeping((tools) => tools.map(plainTool)),
};

/** Stands between the text of an answer and its calls, so that roles alternate. */
const GO_ON = "Go on.";

/** Each call in an answer of its own, with its result, and texts before them. */
const SEPARATED: Form = {
  part: "a text beside calls, and several calls in one answer",
  apply(request) {
    let isFirst = false;
    let asked: readonly string[] = [];
    return withMessages(request, (one) => {
      if (one.role === "assistant") asked = (one.calls ?? []).map(({ id }) => id);
      if (one.role === "user") return [one];
      if (one.role === "assistant") {
        isFirst = true;
        const { calls = [], text } = one;
        if (calls.length === 0 || (text.trim() === "" && calls.length === 1)) return [one];
        if (calls.length === 1) return [said(text), GOES_ON, { ...one, text: "" }];
        return text.trim() === "" ? [] : [said(text), GOES_ON];
      }
      if (asked.length < 2) return [one];
      const answer = { role: "assistant", text: "", calls: [one.call] } as const;
      const before = isFirst ? [] : [GOES_ON];
      isFirst = false;
      return [...before, answer, one];
    });
  },
};

const GOES_ON: ModelMessage = { role: "user", text: GO_ON };
const said = (text: string): ModelMessage => ({ role: "assistant", text });

/** Fields that servers attached to earlier answers: those before the newest message, and all. */
export const CARRIED: readonly Form[] = [{
  part: "fields of answers in earlier turns",
  apply: (request) =>
    uncarried(request, request.messages.findLastIndex(({ role }) => role === "user")),
}, {
  part: "fields of earlier answers",
  apply: (request) => uncarried(request, request.messages.length),
}];

function uncarried(request: ModelRequest, end: number): ModelRequest {
  let at = 0;
  return withMessages(request, (one) => {
    if (at++ >= end || one.role !== "assistant" || one.carried === undefined) return [one];
    const { fields, calls } = carriedIn(one);
    return [withoutCarried(one, new Set([fields, ...calls].flatMap(Object.keys)))];
  });
}

const SYSTEM: Form = {
  part: "a system prompt of its own",
  apply(request) {
    const { system, messages: [first, ...others] } = request;
    if (system === "" || !first) return request;
    const messages: readonly ModelMessage[] = first.role === "user"
      ? [{ ...first, text: `${system}\n\n${first.text}` }, ...others]
      : [{ role: "user", text: system }, first, ...others];
    return { ...request, system: "", messages };
  },
};

/** Calls of another model or a workflow, which lack fields that the server wants back. */
export const FOREIGN_CALLS: Form = {
  part: "calls without its own fields",
  apply: (request) =>
    request.plainCalls || !hasCalls(request.messages) ? request : { ...request, plainCalls: true },
};

const CALLS: Form = {
  part: "calls of tools in the conversation",
  fix: "update the server, or choose another model",
  apply: (request) =>
    request.messages.some(({ role }) => role === "tool")
      ? { ...request, messages: plainMessages(request.messages) }
      : request,
};

/** All forms that need no words, in the order in which they are tried. */
export const LADDER: readonly Form[] = [FIELDS, SCHEMAS, SEPARATED, ...CARRIED, SYSTEM, CALLS];
/** Those that concern tools. */
export const OF_TOOLS: readonly Form[] = [FIELDS, SCHEMAS, SEPARATED, CALLS];

export const RESPONSES: Form = {
  part: "chat completions",
  fix: 'set `kind` of the provider to "openai-responses"',
  apply: (request) => request.byResponses ? request : { ...request, byResponses: true },
};

/** For a server that wants its Responses API for thinking with tools, and lacks it. */
export const THINKING_OFF: Form = {
  part: "thinking with tools",
  fix: 'set `kind` of the provider to "openai-responses" if the server has that API',
  apply: (request) => request.tools ? { ...request, thinking: "off" } : request,
};

export function thinkingForm(level: ThinkLevel): Form {
  return {
    part: `the level of thinking \`${level}\``,
    fix: "choose another level by `/settings think`",
    ability: level,
    apply: (request) => request.thinking === level ? withoutThinking(request) : request,
  };
}

export function abilityForm(ability: "tools" | "images"): Form {
  return {
    part: `all ${ability}`,
    fix: `correct the server, choose another model, or set \`${ability}\` of the model to false`,
    ability,
    apply: (request) =>
      ability === "images"
        ? withoutImages(request)
        : request.tools
        ? withoutTools(request)
        : request,
  };
}

/** The first tools, of a server that names how many there may be. */
export function countForm(most: number): Form {
  return {
    part: `the tools beyond the first ${most}`,
    fix: "add tools that no one needs to `tools.deny`",
    apply: keeping((tools) => tools.length > most ? tools.slice(0, most) : tools),
  };
}

/** Certain tools, until their definitions change. */
export function toolForm(refused: Tools): Form {
  const names = refused.map(({ name }) => `\`${name}\``);
  const known = new Set(refused.map(keyOfTool));
  return {
    part: `the ${names.length === 1 ? "tool" : "tools"} ${names.join(", ")}`,
    fix: refused.some(({ name }) => name.startsWith("mcp__"))
      ? "correct the schema at the MCP server, or add the name to `tools.deny`"
      : "add the name to `tools.deny`",
    apply: keeping((tools) => tools.filter((tool) => !known.has(keyOfTool(tool)))),
  };
}

const keys = new WeakMap<ToolDefinition, string>();

export function keyOfTool(tool: ToolDefinition): string {
  const known = keys.get(tool) ?? JSON.stringify(tool);
  keys.set(tool, known);
  return known;
}

/** The same tools give the same array, because the bytes of a request are kept by it. */
export function keeping(keep: (tools: Tools) => Tools): Form["apply"] {
  const kept = new WeakMap<Tools, Tools>();
  return (request) => {
    if (!request.tools) return request;
    const fit = kept.get(request.tools) ?? keep(request.tools);
    const isSame = fit.length === request.tools.length &&
      fit.every((tool, at) => tool === request.tools?.[at]);
    const tools = isSame ? request.tools : fit;
    kept.set(request.tools, tools);
    if (tools === request.tools) return request;
    return tools.length === 0 ? withoutTools(request) : { ...request, tools };
  };
}

const plain = new WeakMap<ToolDefinition, ToolDefinition>();

/** The tool with the keywords alone that all servers know. */
function plainTool(tool: ToolDefinition): ToolDefinition {
  const { parameters } = tool;
  const fit = { ...tool, parameters: { properties: {}, ...plainSchema(parameters, parameters) } };
  const known = plain.get(tool) ?? (keyOfTool(fit) === keyOfTool(tool) ? tool : fit);
  plain.set(tool, known);
  plain.set(known, known);
  keys.set(known, keyOfTool(tool)); // it is the same tool
  return known;
}

const TYPES = new Set(["object", "array", "string", "number", "integer", "boolean"]);
/** Levels of objects in a schema; a reference may be to the schema around it. */
const DEPTH_MAX = 6;

function plainSchema(schema: unknown, root: unknown, depth = DEPTH_MAX): Record<string, unknown> {
  if (!isRecord(schema)) return { type: "string" };
  const { $ref: ref, description, properties, required, items, ...others } = schema;
  const options = [others["anyOf"], others["oneOf"], others["allOf"]].flat().filter(isRecord);
  const other = typeof ref === "string"
    ? ref.split("/").slice(1).reduce<unknown>((at, key) => isRecord(at) ? at[key] : undefined, root)
    : options.find(({ type }) => type !== "null");
  const about = typeof description === "string" ? { description } : {};
  if (other !== undefined && depth > 0 && !isRecord(properties)) {
    return { ...plainSchema(other, root, depth - 1), ...about };
  }
  const named = [others["type"]].flat().find((one) => typeof one === "string" && TYPES.has(one));
  const type = depth === DEPTH_MAX || isRecord(properties)
    ? "object"
    : typeof named === "string"
    ? named
    : isRecord(items)
    ? "array"
    : "string";
  const choices = [others["enum"]].flat().filter((one) => typeof one === "string" && one !== "");
  if (type === "string") return { type, ...about, ...(choices.length > 0 && { enum: choices }) };
  if (type === "array") return { type, ...about, items: plainSchema(items, root, depth - 1) };
  if (type !== "object") return { type, ...about };
  const fields = depth > 0 && isRecord(properties) ? Object.entries(properties) : [];
  const fit = fields.map(([name, one]) => [name, plainSchema(one, root, depth - 1)] as const);
  const names = new Set(fields.map(([name]) => name));
  const needed = [required].flat().filter((one) => typeof one === "string" && names.has(one));
  return {
    type,
    ...about,
    properties: Object.fromEntries(fit),
    ...(needed.length > 0 && { required: needed }),
  };
}

/** The request with other messages; the same object if none differs. */
function withMessages(
  request: ModelRequest,
  change: (message: ModelMessage) => readonly ModelMessage[],
): ModelRequest {
  const messages = request.messages.flatMap(change);
  const isSame = messages.every((one, at) => one === request.messages[at]);
  return isSame && messages.length === request.messages.length ? request : { ...request, messages };
}
