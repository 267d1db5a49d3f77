/**
 * Rewrites a frozen message whose files Discord refuses (R12a): its text stays, and a line names
 * each missing file.
 *
 * @module
 */

import type { OutboundMessage } from "../core/outbound/outbound.ts";
import { type ChunkRules, MAX_CHUNK_LENGTH } from "./markdown/chunk.ts";
import { notice, type Texts } from "./notices/notices.ts";
import { withLastLine } from "./too_long.ts";

/** A message may use all the room that Discord gives it. */
const ONE_MESSAGE: ChunkRules = {
  limit: MAX_CHUNK_LENGTH,
  maxLines: MAX_CHUNK_LENGTH,
  mode: "length",
  maxChunks: 1,
};

/**
 * Rewrites a message.
 *
 * @param names Names of its files.
 */
export function withoutFiles(
  message: OutboundMessage,
  names: readonly string[],
  texts: Texts,
): OutboundMessage {
  const lines = names.map((file) => notice("fileRefused", { file }, texts)).join("\n");
  const content = message.content === "" && lines.length <= MAX_CHUNK_LENGTH
    ? lines
    : withLastLine(message.content, lines, ONE_MESSAGE);
  const { voice: _, ...plain } = message; // a voice message has no text
  return { ...plain, content };
}
