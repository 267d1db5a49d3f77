/**
 * Assembles tool calls from the pieces of a chat completion's stream.
 *
 * Servers differ. Some leave out the index, or use 0 for every call. Some repeat the id or the name
 * with each piece. Some send the arguments as an object.
 *
 * @module
 */

/** A tool call of the model. */
export interface ToolCall {
  /** Id of the call; `"call_1"` and so on if the server gave none. */
  readonly id: string;
  /** Name of the tool. */
  readonly name: string;
  /** JSON as the model wrote it, not checked. */
  readonly arguments: string;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Assembles the tool calls of one answer. */
export interface ToolCalls {
  /** Adds a piece: one element of a chunk's `tool_calls`. */
  add(piece: unknown): void;
  /** All calls so far, in the order in which they began. */
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
    calls: () => calls.map((call, at) => ({ ...call, id: call.id || `call_${at + 1}` })),
  };
}

/** The unchecked fields of an object; none for any other value. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return Object(value);
}
