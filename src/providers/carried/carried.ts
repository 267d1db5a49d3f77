/**
 * Writes and reads the fields that a server attaches to its answers beside text and calls: thinking,
 * signatures, and fields that are unknown today. All kinds of API have them in this one form.
 */

import { Buffer } from "node:buffer";
import type { ModelMessage } from "../../core/model.ts";

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
