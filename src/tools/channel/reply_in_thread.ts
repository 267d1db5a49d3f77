/**
 * The tool `reply_in_thread`: the rest of the turn's answer goes to a thread on the message (S3, T6).
 *
 * @module
 */

import { z } from "zod";
import { defineTool, type Tool } from "../../core/turn/tool.ts";

const input = z.object({
  title: z.string().min(1).max(100).describe("Title of the thread, in a few words."),
});

/** Opens a thread on the asked message. */
export const replyInThread: Tool = defineTool({
  name: "reply_in_thread",
  description:
    "Opens a thread on the message that you answer. Your answer then goes to the thread, and the " +
    "conversation continues there. Use it if people ask for a thread, or for a long discussion.",
  input,
  gate: "threads",
  needs: ["View Channel", "Create Public Threads", "Send Messages in Threads"],
  isIdempotent: true, // a message has one thread at most
  async run({ title }, { message, ports }) {
    await ports.threads.open(message, title);
    return "The thread is open. Your answer will be posted there.";
  },
});
