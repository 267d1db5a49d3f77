/**
 * Assembles tool calls from the pieces of a chat completion's stream.
 *
 * Servers differ. Some leave out the index, or use 0 for every call. Some repeat the id or the name
 * with each piece. Some send the arguments as an object.
 *
 * @module
 */

import type { ToolCall } from "../core/model.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Assembles the tool calls of one answer. */
export interface ToolCalls {
  /** Adds a piece: one element of a chunk's `tool_calls`. */
  add(piece: unknown): void;
  /**
   * All calls so far, in the order in which they began. A call whose id is missing, or another
   * call's, gets one: `"call_1"` and so on.
   */
  calls(): readonly ToolCall[];
}

/** Creates the assembler of one answer. */
export function createToolCalls(): ToolCalls {
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
    let call = byKey.get(id) ?? (isNext ? undefined : current);
    if (!call) calls.push(call = { id, name: "", arguments: "" });
    call.id ||= id;
    if (name !== call.name) call.name += name;
    if (typeof rawArguments === "string") call.arguments += rawArguments;
    else if (rawArguments) call.arguments += JSON.stringify(rawArguments);
    if (id !== "") byKey.set(id, call);
    if (typeof index === "number") byKey.set(index, call);
  }

  return {
    add,
    calls: () => withIds(calls),
  };
}

/** Gives each call without an id of its own the next free one. */
export function withIds(calls: readonly ToolCall[]): readonly ToolCall[] {
  const used = new Set<string>();
  let next = 1;
  return calls.map((call) => {
    let { id } = call;
    while (id === "" || used.has(id)) id = `call_${next++}`;
    used.add(id);
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
