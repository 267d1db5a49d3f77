/**
 * The tools of a turn for a small machine (T2a): short forms of some, and one tool that opens the
 * others by name.
 *
 * A server reads a prompt anew from its first changed byte. So opening a tool changes no definition:
 * its definition is a result, and its call is a call of the opener. Only the model sees that. The
 * stored steps, the policy and people have the calls of the tools themselves.
 */

import { z } from "zod";
import {
  type Model,
  type ModelMessage,
  type ToolCall,
  type ToolDefinition,
  withGenerate,
} from "../model.ts";
import { defineTool, type Tool } from "./tool.ts";
import { isRecord, parseForeignJson } from "../../lib/text/json.ts";

/** Name of the tool that opens the others. */
export const USE_TOOL = "use_tool";

/** Maximum UTF-16 units of the names in its description. */
const NAMES_CHARS = 600;

/** The model's view of a turn's tools on a small machine. */
export interface SmallTools {
  /** Short forms, and the opener. */
  readonly shown: readonly ToolDefinition[];
  /** Absent if no tool is left for it. */
  readonly opener?: Tool;
}

/**
 * Makes the view.
 *
 * @param full The definitions of the tools, in the same order.
 */
export function smallTools(tools: readonly Tool[], full: readonly ToolDefinition[]): SmallTools {
  const shown = full.flatMap((one, at) => {
    const short = tools[at]?.short;
    return short ? [shortened(one, short)] : [];
  });
  if (shown.length === full.length) return { shown };
  const opener = openerOf(full, full.filter((_, at) => !tools[at]?.short));
  return { shown: [...shown, definitionOf(opener)], opener };
}

/** The definitions of some tools for the model, in the form for its machine. */
export function definitionsOf(tools: readonly Tool[], isSmall: boolean): readonly ToolDefinition[] {
  const full = tools.map(definitionOf);
  return isSmall ? smallTools(tools, full).shown : full;
}

function definitionOf(tool: Tool): ToolDefinition {
  const { name, description, parameters: own } = tool;
  if (own) return { name, description, parameters: own };
  const { $schema: _, ...parameters } = z.toJSONSchema(tool.input, { io: "input" });
  return { name, description, parameters };
}

/** Types and choices of the kept arguments: their descriptions and limits cost more than they help. */
function shortened(
  { name, parameters: { properties, required } }: ToolDefinition,
  { description, fields }: NonNullable<Tool["short"]>,
): ToolDefinition {
  const all = isRecord(properties) ? properties : {};
  const kept = fields.map((field) => {
    const { type, enum: choices, items } = isRecord(all[field]) ? all[field] : {};
    const itemType = isRecord(items) ? { items: { type: items["type"] } } : {};
    return [field, { type, enum: choices, ...itemType }] as const;
  });
  return {
    name,
    description,
    parameters: { type: "object", properties: Object.fromEntries(kept), required },
  };
}

/**
 * The tool that shows definitions. A call with arguments reaches the tool itself
 * ({@link withSmallTools}).
 */
function openerOf(full: readonly ToolDefinition[], others: readonly ToolDefinition[]): Tool {
  const groups = Map.groupBy(others, ({ name }) => /^mcp__.+?(?=__)/.exec(name)?.[0] ?? name);
  const names = Array.from(
    groups,
    ([name, { length }]) => length === 1 ? name : `${name} (${length} tools)`,
  ).join(", ");
  const listed = names.length > NAMES_CHARS
    ? `${names.slice(0, names.lastIndexOf(", ", NAMES_CHARS))}, and more: \`all\` lists them`
    : names;
  return defineTool({
    name: USE_TOOL,
    description: "Opens the other tools. With a name alone, it tells what the tool takes. With " +
      `arguments, it runs the tool. Names: ${listed}.`,
    input: z.object({ tool: z.string(), arguments: z.record(z.string(), z.unknown()).optional() }),
    parameters: {
      type: "object",
      properties: { tool: { type: "string" }, arguments: { type: "object" } },
      required: ["tool"],
    },
    needs: [],
    isReadOnly: true,
    seenAt: "nowhere",
    isIdempotent: true,
    run({ tool }) {
      const one = full.find(({ name }) => name === tool);
      if (one) return Promise.resolve(helpOf(one));
      const near = others.filter(({ name }) => name.startsWith(`${tool}__`));
      const found = near.length > 0 ? near : others;
      return Promise.resolve(
        found.map(({ name, description }) => `${name}: ${description.split(/(?<=[.!?])\s/)[0]}`)
          .join("\n"),
      );
    },
  });
}

/** Tells a model what a tool takes. */
export function helpOf({ description, parameters }: ToolDefinition): string {
  return `${description}\nArguments, as JSON Schema: ${JSON.stringify(parameters)}`;
}

/** A model that calls tools by the opener, if its request has one. Others get and give plain calls. */
export function withSmallTools(model: Model): Model {
  return withGenerate(model, async function* (request, signal) {
    const declared = new Set(request.tools?.map(({ name }) => name));
    const isSmall = declared.has(USE_TOOL);
    const messages = isSmall
      ? request.messages.map((message) => wrapped(message, declared))
      : request.messages;
    for await (const part of model.generate(isSmall ? { ...request, messages } : request, signal)) {
      yield part.kind === "finish" && part.calls && isSmall
        ? { ...part, calls: part.calls.map(unwrapped) }
        : part;
    }
  });
}

function wrapped(message: ModelMessage, declared: ReadonlySet<string>): ModelMessage {
  const ofOpener = (call: ToolCall): ToolCall =>
    declared.has(call.name) ? call : {
      ...call,
      name: USE_TOOL,
      arguments: JSON.stringify({ tool: call.name, arguments: valueOf(call.arguments) }),
    };
  if (message.role === "tool") return { ...message, call: ofOpener(message.call) };
  if (message.role === "user" || !message.calls) return message;
  return { ...message, calls: message.calls.map(ofOpener) };
}

/** Small models also write the arguments beside the name, or as text. */
function unwrapped(call: ToolCall): ToolCall {
  const written = call.name === USE_TOOL ? valueOf(call.arguments) : undefined;
  if (!isRecord(written)) return call;
  const { tool, arguments: own, ...beside } = written;
  const given = own ?? (Object.keys(beside).length > 0 ? beside : undefined);
  if (typeof tool !== "string" || given === undefined) return call;
  return {
    ...call,
    name: tool,
    arguments: typeof given === "string" ? given : JSON.stringify(given),
  };
}

/** The value of JSON; `{}` for nothing, and the text itself if it is no JSON. */
function valueOf(written: string): unknown {
  return written.trim() === "" ? {} : parseForeignJson(written) ?? written;
}
