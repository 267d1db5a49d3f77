/**
 * The tool `ask`: the model asks a person, and the turn waits for the answer (T10).
 *
 * @module
 */

import { z } from "zod";
import { parseSnowflake, type UserId } from "../../core/discord/ids.ts";
import { type InboundMessage } from "../../core/inbound/inbound.ts";
import type { FormField, Question } from "../../core/people/question.ts";
import { defineTool, type Tool, type ToolContext } from "../../core/turn/tool.ts";

const field = z.strictObject({
  key: z.string().regex(/^[a-z][a-z0-9_]{0,31}$/),
  label: z.string().min(1).max(45),
  type: z.enum(["line", "text", "select", "file"]).default("line"),
  options: z.array(z.string().min(1).max(100)).min(2).max(25).optional(),
  required: z.boolean().default(true),
});

const input = z.strictObject({
  question: z.string().min(1).max(1_000),
  options: z.array(z.string().min(1).max(80)).min(2).max(25).optional()
    .describe("Answers to choose from."),
  form: z.array(field).min(1).max(5).optional()
    .describe("Fields to fill in, instead of options. `select` needs `options`."),
  to: z.string().default("asker")
    .describe(
      'Who may answer: "asker", "anyone", or the id of a person whom the message mentions.',
    ),
}).refine(({ options, form }) => (options === undefined) !== (form === undefined), {
  message: "give either options or a form",
}).refine(({ options = [] }) => new Set(options).size === options.length, {
  message: "the options must differ",
}).refine(({ form = [] }) => form.every(({ type, options }) => (type === "select") === !!options), {
  message: "exactly the fields of type select have options",
}).refine(({ form = [] }) => new Set(form.map(({ key }) => key)).size === form.length, {
  message: "the keys of the fields must differ",
});

type Input = z.infer<typeof input>;

/** Asks a person. */
export const ask: Tool = defineTool({
  name: "ask",
  description:
    "Asks a person with buttons or a form, and waits for the answer, up to a day. Use it if you " +
    "need a choice or several values to go on. To ask in plain words, just answer instead.",
  input,
  needs: [],
  isIdempotent: true, // the store has one question for each call
  asks: (asked, context) => Promise.resolve(questionOf(asked, context)),
  run: (asked, { decision }) => Promise.resolve(resultOf(asked, decision)),
});

function questionOf(
  { question, options = [], form, to }: Input,
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
    ...(form && { form: form.map(toField) }),
    asked,
    where: "channel",
    timeoutMs: context.ports.questions.askTimeoutMs(),
  };
}

function toField({ required, options, ...rest }: z.infer<typeof field>): FormField {
  return { ...rest, isRequired: required, ...(options && { options }) };
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
  { options = [], form = [], to }: Input,
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
      const { answer: { choice, fields = {} }, by } = decision;
      const answer = choice === undefined
        ? Object.fromEntries(form.map(({ key }) => [key, fields[key] ?? null]))
        : options[Number(choice)] ?? choice;
      return JSON.stringify({ answer, ...(by !== undefined && { by }) });
    }
  }
}
