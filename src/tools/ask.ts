/** The tool `ask`: the model asks a person, and the turn waits for the answer (T10). */

import { z } from "zod";
import { parseSnowflake, type UserId } from "../core/discord/ids.ts";
import { type InboundMessage } from "../core/inbound/inbound.ts";
import type { Question } from "../core/people/question.ts";
import { badArguments, defineTool, type Tool, type ToolContext } from "../core/turn/tool.ts";

/** Maximum number of options of a menu from which a person may choose several. */
const MAX_IN_MENU = 25;

const input = () =>
  z.strictObject({
    question: z.string().min(1).max(1_000),
    options: z.array(z.string().min(1).max(100)).min(2).max(100)
      .describe("Answers to choose from."),
    upTo: z.int().min(2).max(MAX_IN_MENU).optional()
      .describe("How many of up to 25 options the person may choose: 1."),
    to: z.string().default("asker")
      .describe(
        'Who may answer: "asker", "anyone", or the id of a person whom the message mentions.',
      ),
  }).refine(({ options }) => new Set(options).size === options.length, {
    message: "the options must differ",
  }).refine(({ options, upTo }) => !upTo || options.length <= MAX_IN_MENU, {
    message: "upTo needs 2 to 25 options",
  });

type AskInput = z.infer<ReturnType<typeof input>>;

export const ask: Tool = defineTool({
  name: "ask",
  effect: () => undefined,
  description:
    "Asks a person with buttons or a menu, and waits for the answer, up to a day. Use it if you need " +
    "a choice to go on. To ask in plain words, just answer instead.",
  input,
  seenAt: "nowhere",
  needs: [],
  isIdempotent: true, // the store has one question for each call
  asks: (asked, context) => Promise.resolve(questionOf(asked, context)),
  run: (asked, { decision }) => Promise.resolve(resultOf(asked, decision)),
});

function questionOf(
  { question, options, upTo, to }: AskInput,
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
    upTo: upTo !== undefined ? Math.min(upTo, options.length) : undefined,
    asked,
    where: "channel",
    timeoutMs: context.account.config().tools.askExpiresMin * 60_000,
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

function resultOf({ options, to }: AskInput, decision: ToolContext["decision"]): string {
  switch (decision?.kind) {
    case undefined:
      throw badArguments(
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
      const { answer: { choice, several }, by } = decision;
      const labelOf = (key: string) => options[Number(key)] ?? key;
      const answer = several?.map(labelOf) ?? labelOf(choice);
      return JSON.stringify({ answer, by });
    }
  }
}
