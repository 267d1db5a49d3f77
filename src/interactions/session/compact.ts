/**
 * `/compact`: folds the conversation into a summary (S4a).
 *
 * @module
 */

import { notice, type TextKey } from "../../render/notices/notices.ts";
import type { Command } from "../base/command.ts";

/** Folds everything so far, which makes room in the window and costs one request to the model. */
export const compact: Command = {
  name: "compact",
  description: "Fold this conversation into a summary",
  options: [],
  needs: "session",
  async run(call, { conversations, texts }) {
    return notice(TEXTS[await conversations.compact(call)], {}, texts());
  },
};

const TEXTS = {
  folded: "compacted",
  nothing: "compactNothing",
  failed: "compactFailed",
} as const satisfies Record<string, TextKey>;
