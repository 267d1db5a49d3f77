/**
 * Decides which tools the model calls for a question: the same ones each time.
 *
 * Each call has a key, `q000012.2.1` for the first call of the second answer. The key is in the
 * call's arguments, so that its effect can be found and counted.
 */

import type { WireCall } from "../../../simulator/model/wire.ts";
import { seeded } from "../../support/seeded.ts";

/** What a call does: three kinds have effects at Discord, one at the bell, one in the store alone. */
export type CallKind = "send" | "react" | "remind" | "ring" | "read" | "note";

export interface PlannedCall {
  readonly kind: CallKind;
  readonly key: string;
  readonly wire: WireCall;
}

/** The calls of a question, answer by answer. */
export type Plan = readonly (readonly PlannedCall[])[];

/** The emoji of `react`. */
export const EMOJI = "🦐";

const KINDS: readonly CallKind[] = [
  "send",
  "send",
  "react",
  "remind",
  "ring",
  "ring",
  "read",
  "note",
];
const MAX_ANSWERS = 2;
const MAX_CALLS = 3;

/** A message of the tool `discord` with this key. */
const textOf = (key: string): string => `sent ${key} by a tool`;

/** A key in a message that a tool has caused, and in none of another kind. */
export const KEY = /\b(sent|remind) (q\d{6}\.\d\.\d)\b/;

/** Creates a plan. @param messageId Discord's id of the question. */
export function planOf(name: string, messageId: string, seed: number): Plan {
  const { between, pick } = seeded(seed + Number(name.slice(1)));
  return Array.from(
    { length: between(1, MAX_ANSWERS) },
    (_, answer) =>
      Array.from({ length: between(1, MAX_CALLS) }, (_, call): PlannedCall => {
        const kind = pick(KINDS);
        const key = `${name}.${answer + 1}.${call + 1}`;
        const [tool, args] = argumentsOf(kind, key, messageId);
        // Some models use the same ids in each of their turns.
        const id = `call_${answer + 1}_${call + 1}`;
        return { kind, key, wire: { id, name: tool, arguments: JSON.stringify(args) } };
      }),
  );
}

function argumentsOf(kind: CallKind, key: string, messageId: string): readonly [string, object] {
  switch (kind) {
    case "send":
      return ["discord", { action: "sendMessage", text: textOf(key) }];
    case "react":
      return ["discord", { action: "react", messageId, emoji: EMOJI }];
    case "remind":
      return ["remind", { action: "create", when: "2 s", text: `remind ${key}` }];
    case "ring":
      return ["mcp__bell__ring", { key }];
    case "read":
      return ["read_channel_history", { limit: 3 }];
    case "note":
      return ["memory", { action: "save", text: `note ${key}` }];
  }
}
