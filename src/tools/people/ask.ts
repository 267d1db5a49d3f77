/**
 * The tool `ask`: the model asks a person, and the turn waits for the answer (T10).
 *
 * @module
 */

import { z } from "zod";
import { parseSnowflake, type UserId } from "../../core/discord/ids.ts";
import { type InboundMessage } from "../../core/inbound/inbound.ts";
import type { Question } from "../../core/people/question.ts";
import { defineTool, type Tool, type ToolContext } from "../../core/turn/tool.ts";

const input = z.strictObject({
  question: z.string().min(1).max(1_000),
  options: z.array(z.string().min(1).max(80)).min(2).max(25).describe("Answers to choose from."),
  to: z.string().default("asker")
    .describe(
      'Who may answer: "asker", "anyone", or the id of a person whom the message mentions.',
    ),
}).refine(({ options }) => new Set(options).size === options.length, {
  message: "the options must differ",
});

type Input = z.infer<typeof input>;

/** Asks a person. */
export const ask: Tool = defineTool({
  name: "ask",
  description:
    "Asks a person with buttons, and waits for the answer, up to a day. Use it if you need a " +
    "choice to go on. To ask in plain words, just answer instead.",
  input,
  needs: [],
  isIdempotent: true, // the store has one question for each call
  asks: (asked, context) => Promise.resolve(questionOf(asked, context)),
  run: (asked, { decision }) => Promise.resolve(resultOf(asked, decision)),
});

function questionOf(
  { question, options, to }: Input,
  context: ToolContext,
): Question | undefined {
  const asked = askedBy(to, context.message);
  if (!asked) return undefined;
  return {
    kind: "ask",
    tool: "ask",
    text: question,
    facts: [],
    choices: options.map((label, index) => ({ key: `${index}`, label })),
    asked,
    where: "channel",
    timeoutMs: context.ports.questions.askTimeoutMs(),
  };
}

/** The person who may answer: no one outside of the conversation gets a mention by this tool. */
function askedBy(to: string, { sender, text }: InboundMessage): Question["asked"] | undefined {
  if (to === "anyone") return "anyone";
  if (to === "asker" || to === sender.id) return [sender.id];
  const id: UserId | undefined = parseSnowflake<"user">(to.replace(/^<@!?(\d+)>$/, "$1"));
  const isMentioned = id !== undefined && (text.includes(`<@${id}>`) || text.includes(`<@!${id}>`));
  return isMentioned ? [id] : undefined;
}

function resultOf(
  { options, to }: Input,
  decision: ToolContext["decision"],
): string {
  switch (decision?.kind) {
    case undefined:
      throw new Error(
        `cannot ask ${
          JSON.stringify(to)
        }: name the asker, "anyone", or a person whom the message ` +
          "mentions",
      );
    case "expired":
      throw new Error("no one answered in time");
    case "withdrawn":
      throw new Error("the question reached no one, or its message has changed");
    case "answered": {
      const { answer: { choice }, by } = decision;
      const answer = options[Number(choice)] ?? choice;
      return JSON.stringify({ answer, ...(by !== undefined && { by }) });
    }
  }
}
