/**
 * Brings a conversation into the one form that all servers take (L3).
 *
 * - Roles alternate: neighbours of one role are one message, and no message of a user follows a result
 *   directly. A short answer stands between, which chat templates and APIs take everywhere.
 * - Each call has an id of its own: nine letters and digits, as Mistral wants them. A transcript has ids
 *   of many servers, because a fallback or another model of the config continues it.
 *
 * New ids depend only on the old ones and their order. So the beginning of a conversation stays the same
 * from request to request, as a server's cache needs it. Messages stay the same objects, too.
 */

import type { ModelMessage, ToolCall } from "../core/model.ts";

type Answer = Extract<ModelMessage, { role: "assistant" }>;
type UserMessage = Extract<ModelMessage, { role: "user" }>;

/** Announces a user's message after results, such as their pictures. */
const READ: ModelMessage = { role: "assistant", text: "I have read the results." };

export function inOneForm(messages: readonly ModelMessage[]): readonly ModelMessage[] {
  return withIds(alternating(messages));
}

/** The same array if it is in this form. */
function alternating(messages: readonly ModelMessage[]): readonly ModelMessage[] {
  let all: ModelMessage[] | undefined;
  let last: ModelMessage | undefined;
  for (const [at, message] of messages.entries()) {
    const one = last && joined(last, message);
    const isReply = last?.role === "tool" && message.role === "user";
    if (one || isReply) all ??= messages.slice(0, at);
    if (one) all?.splice(-1, 1, one);
    else all?.push(...(isReply ? [READ, message] : [message]));
    last = one ?? message;
  }
  return all ?? messages;
}

/** Both as one; `undefined` if they may be neighbours. */
function joined(one: ModelMessage, other: ModelMessage): ModelMessage | undefined {
  if (one.role === "user" && other.role === "user") return joinedUsers(one, other);
  if (one.role !== "assistant" || other.role !== "assistant" || one.calls) return undefined;
  return { ...other, text: textOf(one, other), carried: other.carried ?? one.carried };
}

function joinedUsers(one: UserMessage, other: UserMessage): UserMessage {
  const images = [...one.images ?? [], ...other.images ?? []];
  return { role: "user", text: textOf(one, other), ...(images.length > 0 && { images }) };
}

const textOf = (one: ModelMessage, other: ModelMessage) =>
  [one.text, other.text].filter((text) => text !== "").join("\n\n");

/** Messages with new ids, by these ids. */
const renamed = new WeakMap<
  ModelMessage,
  { readonly ids: string; readonly message: ModelMessage }
>();

function known(message: ModelMessage, ids: string, make: () => ModelMessage): ModelMessage {
  const before = renamed.get(message);
  if (before?.ids === ids) return before.message;
  const made = make();
  renamed.set(message, { ids, message: made });
  return made;
}

/** Fewest characters of an id that may stand in carried fields, too. */
const UNIQUE_LENGTH = 8;

function withIds(messages: readonly ModelMessage[]): readonly ModelMessage[] {
  const used = new Set<string>();
  let newest = new Map<string, ToolCall>(); // calls of the newest answer
  const rename = (call: ToolCall): ToolCall => {
    let id = shortIdOf(call.id);
    for (let at = 2; used.has(id); at++) id = shortIdOf(`${call.id} ${at}`);
    used.add(id);
    const mine = { ...call, id };
    newest.set(call.id, mine);
    return mine;
  };
  return messages.map((message) => {
    if (message.role === "tool") {
      const call = newest.get(message.call.id) ?? rename(message.call);
      return known(message, call.id, () => ({ ...message, call }));
    }
    if (message.role === "user" || !message.calls) return message;
    newest = new Map();
    const calls = message.calls.map(rename);
    return known(message, calls.map(({ id }) => id).join(), () => withCalls(message, calls));
  });
}

/** Some servers repeat a call's id in the fields of its answer. */
function withCalls(message: Answer, calls: readonly ToolCall[]): Answer {
  let { carried } = message;
  for (const [at, { id }] of (message.calls ?? []).entries()) {
    if (id.length >= UNIQUE_LENGTH) carried = carried?.replaceAll(id, calls[at]?.id ?? id);
  }
  return { ...message, calls, ...(carried !== undefined && { carried }) };
}

const SHORT_LENGTH = 9;

/** Nine letters and digits, computed from an id. Not for secrets: two ids may get the same. */
function shortIdOf(id: string): string {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let at = 0; at < id.length; at++) {
    const unit = id.charCodeAt(at);
    high = Math.imul(high ^ unit, 2654435761);
    low = Math.imul(low ^ unit, 1597334677);
  }
  const text = (high >>> 0).toString(36) + (low >>> 0).toString(36).padStart(7, "0");
  return text.slice(-SHORT_LENGTH).padStart(SHORT_LENGTH, "0");
}
