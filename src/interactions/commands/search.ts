/**
 * Searches the server's own messages for the asker alone: `/search` (T17).
 *
 * Only the asker sees the answer, so it shows everything that this person may read. No model reads
 * it, and no conversation keeps it.
 */

import { notice } from "../../render/notices/notices.ts";
import { bounded } from "../../lib/text/cut.ts";
import type { FoundSource } from "../../core/turn/ports/search.ts";
import type { Command } from "../base/command.ts";
import type { SearchUses } from "../base/context.ts";

const MAX_LENGTH = 2_000;
/** Messages in an answer, and characters of each. */
const SHOWN = 5;
const PREVIEW_CHARS = 160;

/** Searches messages that the asker may read. */
export const search: Command<SearchUses> = {
  name: "search",
  description: "Search this server's messages",
  options: [{
    name: "words",
    description: "Words of the message that you look for",
    type: "text",
    isRequired: true,
  }],
  needs: "everyone",
  isMenuOnly: true, // others would read the answer to a message
  isOffered: ({ searches }) => searches.isOn(),
  async run(call, { searches, texts }) {
    const words = String(call.options["words"] ?? "").trim();
    if (!searches.isOn()) return notice("searchOff", {}, texts());
    if (words === "") return notice("searchNothing", {}, texts()); // else it would find the newest
    const found = await searches.run(call, words, SHOWN);
    if (found.kind === "failed") return notice("searchFailed", {}, texts());
    let chars = -1;
    const lines = found.sources.map(lineOf).filter((line) =>
      (chars += line.length + 1) <= MAX_LENGTH
    );
    return lines.length === 0 ? notice("searchNothing", {}, texts()) : lines.join("\n");
  },
};

function lineOf({ link, where, text, message }: FoundSource): string {
  const day = message && new Date(message.timestampMs).toISOString().slice(0, 10);
  const about = [message?.from, where, day].filter((part) => part !== undefined).map(plain);
  return `- ${link} ${about.join(" · ")}\n  ${
    plain(bounded(text.replace(/\s+/g, " "), PREVIEW_CHARS))
  }`;
}

/** Words of people as plain text: they mention no one, link nothing and format nothing. */
export function plain(text: string): string {
  return text.replace(/[\\*_~`|>#[\]()<@:-]/g, "\\$&");
}
