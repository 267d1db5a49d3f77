/**
 * Reads the parts of an answer that both formats share: calls of tools, and how the answer ended.
 *
 * Fields that a server attaches to its answers beside text and calls (thinking, signatures, and
 * fields that are unknown today) have one form for all kinds of API.
 */

import { Buffer } from "node:buffer";
import {
  type FinishReason,
  ModelError,
  type ModelMessage,
  type ModelPart,
  type ModelUsage,
  type ToolCall,
} from "../core/model.ts";
import { isRecord, parseForeignJson } from "../lib/text/quoted.ts";

/** Fields by name, as a server wrote them. */
export type CarriedFields = Readonly<Record<string, unknown>>;

/** The fields of one answer: of its message, and of its calls in their order. */
interface Carried {
  readonly fields: CarriedFields;
  readonly calls: readonly CarriedFields[];
}

/** Maximum bytes of one answer's fields. A long thought has 100 kB. */
const MAX_BYTES = 256 * 1024;

/** The text of an answer's fields; `undefined` if it has none, or if they are too long. */
export function carriedText(
  fields: CarriedFields,
  calls: readonly CarriedFields[] = [],
): string | undefined {
  if ([fields, ...calls].every((one) => Object.keys(one).length === 0)) return undefined;
  const text = JSON.stringify({ fields, calls });
  return Buffer.byteLength(text) <= MAX_BYTES ? text : undefined;
}

/** The fields of a message. The name of their server may precede them. */
export function carriedIn(message: ModelMessage): Carried {
  const { carried = "{}" } = message.role === "assistant" ? message : {};
  const found: Partial<Carried> = JSON.parse(carried.slice(carried.indexOf("{")));
  return { fields: found.fields ?? {}, calls: found.calls ?? [] };
}

export function withoutCarried(message: ModelMessage, names: ReadonlySet<string>): ModelMessage {
  if (message.role !== "assistant" || !message.carried) return message;
  const origin = message.carried.slice(0, message.carried.indexOf("{"));
  const { fields, calls } = carriedIn(message);
  const [left = {}, ...ofCalls] = [fields, ...calls].map((one) =>
    Object.fromEntries(Object.entries(one).filter(([name]) => !names.has(name)))
  );
  const text = carriedText(left, ofCalls);
  return { ...message, carried: text === undefined ? undefined : origin + text };
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** A piece of a call, one element of a chunk's `tool_calls`; absent texts are empty. */
interface CallPiece {
  readonly index?: number;
  readonly id: string;
  readonly name: string;
  readonly written: string;
}

function pieceOf(value: unknown): CallPiece {
  const { index, id, function: called } = fieldsOf(value);
  const { name, arguments: given } = fieldsOf(called ?? value);
  const textOf = (one: unknown) => typeof one === "string" ? one : "";
  return {
    index: typeof index === "number" ? index : undefined,
    id: textOf(id),
    name: textOf(name),
    written: given && typeof given !== "string" ? JSON.stringify(given) : textOf(given),
  };
}

export function createToolCalls() {
  const calls: Mutable<ToolCall>[] = [];
  const unknown = new Map<ToolCall, Record<string, unknown>>();
  const byKey = new Map<string | number, Mutable<ToolCall>>(); // by id and by index

  /** Whether a piece begins a further call, and belongs to none of those so far. */
  function beginsAnother({ index, id, name, written }: CallPiece, current: ToolCall): boolean {
    if (name === "") return false;
    if (id !== "" && current.id !== "" && id !== current.id) return true;
    if (id !== "" && byKey.has(id) && index !== undefined && !byKey.has(index)) return true;
    if (written !== "" && isWhole(current)) return true;
    return index === undefined && id === "" && current.id === ""; // only its name tells them apart
  }

  /** Some servers send a whole call again at its end. */
  function isRepeated({ index, id, name, written }: CallPiece, current: ToolCall): boolean {
    const isSame = name === current.name && written === current.arguments && id === current.id;
    return isSame && (index === undefined ? id !== "" : byKey.get(index) === current);
  }

  function add(value: unknown): void {
    const piece = pieceOf(value);
    const { index, id, name, written } = piece;
    const named = id === "" ? undefined : byKey.get(id);
    const current = named ?? (index === undefined ? calls.at(-1) : byKey.get(index));
    const isOther = current !== undefined && beginsAnother(piece, current);
    if (isOther && isRepeated(piece, current)) return;
    let call = isOther ? undefined : current;
    if (!call) calls.push(call = { id, name: "", arguments: "" });
    const fields = unknown.get(call) ?? {};
    unknown.set(call, fields);
    addUnknown(fields, value, CALL_FIELDS);
    call.id ||= id;
    if (name !== call.name) call.name += name;
    call.arguments += written;
    if (id !== "") byKey.set(id, call);
    if (index !== undefined) byKey.set(index, call);
  }

  return {
    /** Adds a piece: one element of a chunk's `tool_calls`. */
    add,
    /** All calls so far, in the order in which they began. */
    calls: (): readonly ToolCall[] => calls,
    /** The fields of each that no reader knows. */
    unknown: (): readonly Readonly<Record<string, unknown>>[] => [...unknown.values()],
  };
}

const CALL_FIELDS = new Set(["index", "id", "type", "function", "name", "arguments"]);

/** Whether the arguments of a call are a whole JSON object, so that no further piece belongs to it. */
function isWhole({ arguments: written }: ToolCall): boolean {
  return typeof parseForeignJson(written) === "object";
}

/**
 * Gives each call without an id of its own the next free one, as `"call_1"`, and marks calls that came
 * with one id. Calls without arguments have an empty object.
 */
function withIds(calls: readonly ToolCall[]): readonly ToolCall[] {
  const counts = new Map<string, number>();
  for (const { id } of calls) counts.set(id, (counts.get(id) ?? 0) + 1);
  const used = new Set<string>();
  let next = 1;
  return calls.map((one) => {
    const isBare = /^(?:null|undefined)?$/.test(one.arguments.trim());
    const call = isBare ? { ...one, arguments: "{}" } : one;
    let { id } = call;
    while (id === "" || used.has(id)) id = `call_${next++}`;
    used.add(id);
    if (call.id !== "" && (counts.get(call.id) ?? 0) > 1) return { ...call, id, sharesId: true };
    return id === call.id ? call : { ...call, id };
  });
}

/** A name that APIs accept in a conversation. Models sometimes write other ones. */
export function nameOf({ name }: ToolCall): string {
  return name.replace(/[^\w-]/g, "_").slice(0, 64) || "unknown";
}

/**
 * The arguments of a call, as an object.
 *
 * @returns `{}` if the model wrote no JSON object. Servers refuse a conversation that has such a
 * call; its result names the fault to the model.
 */
export function argumentsOf({ arguments: written }: ToolCall): Readonly<Record<string, unknown>> {
  const value = parseForeignJson(written);
  return typeof value !== "object" || Array.isArray(value) ? {} : fieldsOf(value);
}

/** The unchecked fields of an object; none for any other value. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return Object(value);
}

/** Fewest UTF-16 units of a text that counts as repeated if it comes again. */
const WHOLE_CHARS = 16;

/** Fields that a stream repeats as they are. All other texts come in pieces. */
const REPEATED = new Set(["type", "id", "index", "format", "name", "role"]);

/**
 * Adds a piece of an answer to its fields so far, but for those that the reader knows. Texts grow,
 * objects field by field, and lists by the `index` and `type` of their elements.
 */
export function addUnknown(
  fields: Record<string, unknown>,
  piece: unknown,
  known: ReadonlySet<string> = new Set(),
): void {
  for (const [name, value] of Object.entries(fieldsOf(piece))) {
    // A server could change the prototype of all objects otherwise.
    if (known.has(name) || value === null || name === "__proto__") continue;
    const before = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (Array.isArray(before) && Array.isArray(value)) value.forEach((one) => addTo(before, one));
    else if (isRecord(before) && isRecord(value)) addUnknown(before, value);
    else {
      const isPiece = typeof before === "string" && typeof value === "string" &&
        !REPEATED.has(name) && (value !== before || value.length < WHOLE_CHARS);
      fields[name] = isPiece ? before + value : value;
    }
  }
}

/** The elements of a list by `index` and `type`: a search would take minutes for a long one. */
const elements = new WeakMap<unknown[], Map<string, unknown>>();

function addTo(list: unknown[], piece: unknown): void {
  const keyOf = (one: unknown) => `${fieldsOf(one)["index"]} ${fieldsOf(one)["type"]}`;
  const known = elements.get(list) ?? new Map(list.map((one) => [keyOf(one), one]));
  elements.set(list, known);
  const before = typeof fieldsOf(piece)["index"] === "number" && known.get(keyOf(piece));
  if (isRecord(before)) return addUnknown(before, piece);
  list.push(piece);
  known.set(keyOf(piece), piece);
}

export function createVisibleText() {
  let isEmpty = true;
  let blank = "";
  return {
    /**
     * Adds text of the answer.
     *
     * @returns The text to pass on; empty while the answer is white space only.
     */
    add(text: string): string {
      if (!isEmpty) return text;
      blank += text;
      isEmpty = blank.trim() === "";
      return isEmpty ? "" : blank;
    },
    /** Whether no visible character was added yet. */
    isEmpty: (): boolean => isEmpty,
  };
}

/**
 * The last part of an answer. A call is a call whatever the reason of the end says, because servers
 * say "stop" and words of their own after calls. Those of an answer that was cut are incomplete, and a
 * filter has stopped the others.
 *
 * @param reason The server's reason for the end; `undefined` if it gave none.
 * @param hasText Whether the answer has visible text.
 * @throws {ModelError} If the answer does not count as one.
 */
export function finishOf(
  reason: FinishReason | undefined,
  all: readonly ToolCall[],
  hasText: boolean,
  { modelId, ...about }: Pick<Finish, "usage" | "carried"> & { readonly modelId: string },
): Finish {
  const calls = reason === "length" || reason === "content_filter" ? [] : withIds(all);
  const isBroken = reason === undefined || reason === "other" && calls.length === 0;
  if (isBroken || (!hasText && calls.length === 0)) throw endingFault(reason, hasText, modelId);
  const end = { kind: "finish" as const, ...about };
  return calls.length > 0 ? { ...end, reason: "tool_calls", calls } : { ...end, reason };
}

type Finish = Extract<ModelPart, { kind: "finish" }>;

const FAULTS: Readonly<Record<FinishReason, string>> = {
  tool_calls: "said that it calls tools, and called none",
  content_filter: "gave no answer: its content filter stopped it",
  length: "used up its tokens before its answer had any text",
  stop: "answered without any text",
  other: "answered without any text",
};

function endingFault(
  reason: FinishReason | undefined,
  hasText: boolean,
  modelId: string,
): ModelError {
  const kind = reason === "content_filter" ? "filtered" : "not_an_answer";
  const isBroken = reason === undefined || reason === "other" && hasText;
  const what = isBroken ? "ended its answer early" : FAULTS[reason];
  return new ModelError(`${modelId} ${what}`, {
    kind,
    modelId,
    ...(isBroken && { isBroken }),
    ...(reason === undefined && { words: "" }), // a refusal without words, too
  });
}

/** Good ends, in the words of all formats. Each other end counts as broken off. */
const ENDS: readonly (readonly [FinishReason, RegExp])[] = [
  ["stop", /^(?:stop|end_turn|stop_sequence|eos(?:_token)?|completed?)$/i],
  ["length", /^(?:length|max_(?:output_)?tokens|model_length|model_context_window_exceeded)$/i],
  ["tool_calls", /^(?:tool_calls?|function_call|tool_use)$/i],
  [
    "content_filter",
    /^(?:content_filter|refusal|safety|sensitive|prohibited_content|recitation)$/i,
  ],
];

/** @returns `undefined` if the server gave no reason. */
export function finishReasonIn(raw: unknown): FinishReason | undefined {
  if (typeof raw !== "string" || raw === "") return undefined;
  return ENDS.find(([, words]) => words.test(raw))?.[0] ?? "other";
}

/** The tokens of an answer; `undefined` if the server counts none. */
export function usageFrom(
  inputTokens: unknown,
  outputTokens: unknown,
  cached: unknown,
): ModelUsage | undefined {
  if (typeof inputTokens !== "number" || typeof outputTokens !== "number") return undefined;
  return {
    inputTokens,
    outputTokens,
    cachedTokens: typeof cached === "number" ? cached : undefined,
  };
}
