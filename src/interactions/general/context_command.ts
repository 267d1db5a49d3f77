/**
 * `/context`: how full the model's window is with this conversation, and how much of it is folded
 * into a summary.
 *
 * @module
 */

import { notice } from "../../render/notices/notices.ts";
import type { Command } from "../base/command.ts";

/** Answers with the size of the conversation that a message of the asker here would continue. */
export const context: Command = {
  name: "context",
  description: "Show how much of this conversation I remember",
  options: [],
  needs: "everyone",
  async run(call, { contextOf, texts }) {
    const { entries, tokens, windowTokens, folded } = await contextOf(call);
    const percent = `${Math.min(100, Math.round(tokens * 100 / Math.max(1, windowTokens)))} %`;
    const text = notice("context", {
      entries: `${entries}`,
      tokens: `${tokens}`,
      window: `${windowTokens}`,
      percent,
    }, texts());
    if (folded.entries === 0 || folded.at === undefined) return text;
    const since = `<t:${Math.floor(folded.at / 1_000)}:R>`; // in the reader's own time
    return `${text}\n${
      notice("contextFolded", { messages: `${folded.messages}`, since }, texts())
    }`;
  },
};
