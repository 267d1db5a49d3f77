/**
 * Reads the parts of an answer that both formats share: calls of tools, and how the answer ended.
 */

import { type FinishReason, ModelError, type ToolCall } from "../core/model.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Creates the assembler of one answer. */
export function createToolCalls() {
  const calls: Mutable<ToolCall>[] = [];
  const byKey = new Map<unknown, Mutable<ToolCall>>(); // by id and by index

  function add(piece: unknown): void {
    const { index, id: rawId, function: called } = fieldsOf(piece);
    const { name: rawName, arguments: rawArguments } = fieldsOf(called);
    const id = typeof rawId === "string" ? rawId : "";
    const name = typeof rawName === "string" ? rawName : "";
    const atIndex = typeof index === "number" ? byKey.get(index) : undefined;
    const isNext = name !== "" && (atIndex ? id !== "" && atIndex.id !== "" : true);
    const current = typeof index === "number" ? atIndex : calls.at(-1);
    const known = byKey.get(id);
    const isOther = known && name !== "" && (typeof index === "number" && !atIndex ||
      isWhole(known) && rawArguments !== undefined && rawArguments !== "");
    let call = isOther ? undefined : known ?? (isNext ? undefined : current);
    if (!call) calls.push(call = { id, name: "", arguments: "" });
    call.id ||= id;
    if (name !== call.name) call.name += name;
    if (typeof rawArguments === "string") call.arguments += rawArguments;
    else if (rawArguments) call.arguments += JSON.stringify(rawArguments);
    if (id !== "") byKey.set(id, call);
    if (typeof index === "number") byKey.set(index, call);
  }

  return {
    /** Adds a piece: one element of a chunk's `tool_calls`. */
    add,
    /**
     * All calls so far, in the order in which they began. A call whose id is missing, or another
     * call's, gets one: `"call_1"` and so on. Calls that came with one id are marked.
     */
    calls: (): readonly ToolCall[] => withIds(calls),
  };
}

/** Whether the arguments of a call are a whole JSON object, so that no further piece belongs to it. */
function isWhole({ arguments: written }: ToolCall): boolean {
  try {
    return typeof JSON.parse(written) === "object";
  } catch {
    return false;
  }
}

/**
 * Gives each call without an id of its own the next free one, and marks calls that share an id.
 *
 * @param signature What the model thought before the calls; the first one keeps it.
 */
export function withIds(calls: readonly ToolCall[], signature?: string): readonly ToolCall[] {
  const counts = new Map<string, number>();
  for (const { id } of calls) counts.set(id, (counts.get(id) ?? 0) + 1);
  const used = new Set<string>();
  let next = 1;
  const [first, ...others] = calls;
  const kept = first && signature !== undefined ? [{ ...first, signature }, ...others] : calls;
  return kept.map((call) => {
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
  try {
    const value: unknown = JSON.parse(written);
    return typeof value !== "object" || Array.isArray(value) ? {} : fieldsOf(value);
  } catch {
    return {};
  }
}

/** The unchecked fields of an object; none for any other value. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return Object(value);
}

/** Creates the text of an answer, still empty. */
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
 * Checks whether a completed answer counts as one.
 *
 * @param reason The server's reason for the end; `undefined` if it gave none.
 * @param isEmpty Whether the answer has neither visible text nor tool calls.
 * @returns The error; `undefined` if it is an answer.
 */
export function endingFault(
  reason: FinishReason | undefined,
  isEmpty: boolean,
  modelId: string,
): ModelError | undefined {
  const notAnAnswer = (failure: string) =>
    new ModelError(`${modelId} ${failure}`, { kind: "not_an_answer", modelId });
  if (reason === undefined) return notAnAnswer("ended its answer early");
  if (!isEmpty) return undefined;
  switch (reason) {
    case "tool_calls":
      return notAnAnswer("said that it calls tools, and called none");
    case "content_filter":
      return new ModelError(`${modelId} gave no answer: its content filter stopped it`, {
        kind: "filtered",
        modelId,
      });
    case "length":
      return notAnAnswer("used up its tokens before its answer had any text");
    case "stop":
    case "other":
      return notAnAnswer("answered without any text");
  }
}
