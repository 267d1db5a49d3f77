/**
 * Assembles tool calls from the pieces of a chat completion's stream.
 *
 * Servers differ: some leave out the index or use 0 for every call, some repeat the id or the name
 * with each piece, and some send the arguments as an object.
 *
 * @module
 */

export interface ToolCall {
  readonly id: string;
  readonly name: string;
  /** JSON as the model wrote it, not checked. */
  readonly arguments: string;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Makes the assembler of one answer: it takes a chunk's `tool_calls` one by one. */
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
    /** All calls in the order in which they began. */
    calls: (): readonly ToolCall[] =>
      calls.map((call, at) => ({ ...call, id: call.id || `call_${at + 1}` })),
  };
}

/** An object's fields, not yet checked; none of anything else. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return Object(value);
}
