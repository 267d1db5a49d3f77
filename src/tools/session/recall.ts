/**
 * The tool `recall`: earlier messages of this conversation that a summary has taken the place of.
 *
 * It reads only the session of the turn, which the asker's message belongs to.
 *
 * @module
 */

import { z } from "zod";
import { parseSnowflake } from "../../core/discord/ids.ts";
import type { Entry } from "../../core/inbound/transcript.ts";
import { defineTool, type Tool } from "../../core/turn/tool.ts";
import { badArguments } from "../../core/refused_call.ts";

/** Maximum number of entries of a result, and UTF-16 units of it and of one entry in it. */
const ENTRIES_MAX = 40;
const RESULT_CHARS = 7_000;
const ENTRY_CHARS = 2_000;

const input = z.object({
  words: z.string().max(200).optional().describe(
    "Words that must all be in an entry, such as `tide noon`.",
  ),
  message_ids: z.array(z.string()).max(20).optional().describe(
    "Ids of messages: reads these and their answers.",
  ),
});

/** Reads folded entries of the turn's session. */
export const recall: Tool = defineTool({
  name: "recall",
  description:
    "Finds the original messages behind the <summary> of this conversation: by words, by message " +
    "ids, or the newest of them. One JSON object per line, oldest first. Only for this " +
    "conversation, and only if there is a <summary>.",
  input,
  needs: [],
  isIdempotent: true,
  async run({ words = "", message_ids: written = [] }, { ports, sessionKey }) {
    const messageIds = written.map((text) => {
      const id = parseSnowflake<"message">(text);
      if (id === undefined) {
        throw badArguments("`message_ids` must be ids of messages: digits only");
      }
      return id;
    });
    const { entries, matches } = await ports.recall.recall(sessionKey, {
      messageIds,
      words: words.split(/\s+/).filter((word) => word !== ""),
      limit: ENTRIES_MAX,
    });
    const lines = newestLines(entries);
    if (lines.length === 0) {
      return "No folded message of this conversation matches. Messages without a summary are in " +
        "the conversation itself.";
    }
    const left = matches - lines.length;
    return left === 0
      ? lines.join("\n")
      : `[${left} older matches are left out: use more exact words, or message_ids]\n${
        lines.join("\n")
      }`;
  },
});

/** The newest lines that fit, oldest first. */
function newestLines(entries: readonly Entry[]): readonly string[] {
  const lines = entries.map(lineOf);
  let chars = 0;
  const first = lines.findLastIndex((line) => (chars += line.length + 1) > RESULT_CHARS) + 1;
  return lines.slice(first);
}

function lineOf({ role, text, messageId, at }: Entry): string {
  return JSON.stringify({
    message_id: messageId,
    role,
    at: new Date(at).toISOString(),
    text: text.length > ENTRY_CHARS ? `${text.slice(0, ENTRY_CHARS).toWellFormed()}…` : text,
  });
}
