/**
 * Joins neighbouring messages of users in a request.
 *
 * A turn may answer several messages, and an interrupted turn has no answer in the transcript. Some
 * models take a conversation only if user and assistant alternate.
 *
 * @module
 */

import type { ModelMessage } from "../model.ts";

type UserMessage = Extract<ModelMessage, { role: "user" }>;

/** The same messages; neighbouring ones of users are one. Returns the same array if there are none. */
export function mergedUsers(messages: readonly ModelMessage[]): readonly ModelMessage[] {
  const hasNeighbours = messages.some(({ role }, at) =>
    role === "user" && messages[at + 1]?.role === "user"
  );
  if (!hasNeighbours) return messages;
  const merged: ModelMessage[] = [];
  for (const message of messages) {
    const last = merged.at(-1);
    if (message.role === "user" && last?.role === "user") {
      merged[merged.length - 1] = joined(last, message);
    } else merged.push(message);
  }
  return merged;
}

function joined(one: UserMessage, other: UserMessage): UserMessage {
  const images = [...one.images ?? [], ...other.images ?? []];
  return {
    role: "user",
    text: `${one.text}\n\n${other.text}`,
    images: images.length > 0 ? images : undefined,
  };
}
