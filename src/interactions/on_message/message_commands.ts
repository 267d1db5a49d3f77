/**
 * The commands in the menu of a message (K6).
 *
 * @module
 */

import type { CommandCall } from "../../core/inbound/interactions.ts";
import { notice } from "../../render/notices/notices.ts";
import { ASKED } from "../base/asked.ts";
import type { MessageCommand } from "../base/command.ts";
import type { InteractionContext } from "../base/context.ts";
import { why } from "../general/why.ts";

/** Answers the message, in the channel. */
export const askAbout: MessageCommand = {
  name: "Ask Barnacle",
  needs: "everyone",
  run: (call, context) =>
    question(
      "Answer the quoted message, or help with it, as its writer would want.",
      call,
      context,
    ),
};

/** Summarises the channel from the message on. */
export const summarise: MessageCommand = {
  name: "Summarise from here",
  needs: "everyone",
  run: (call, context) =>
    question(
      "Read this channel's messages from the quoted message on, and summarise them.",
      call,
      context,
    ),
};

/** Makes a reminder about the message. */
export const remindMe: MessageCommand = {
  name: "Remind me",
  needs: "everyone",
  run: (call, context) =>
    question(
      "Remind me of the quoted message. If it names no time, ask me when.",
      call,
      context,
    ),
};

/** Explains the decision about the message. */
export const whyNoAnswer: MessageCommand = {
  name: "Why no answer?",
  needs: "everyone",
  run: why.run,
};

async function question(
  text: string,
  call: CommandCall,
  { ask, texts }: InteractionContext,
): Promise<string> {
  const { target } = call;
  if (!target) return notice("deadButton", {}, texts());
  const where = await ask(call, { text, about: target });
  return notice(ASKED[where], {}, texts());
}
