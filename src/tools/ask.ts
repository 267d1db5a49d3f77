/** The tool `ask`: the model asks a person, and the turn waits for the answer (T10). */

import { z } from "zod";
import { parseSnowflake, type UserId } from "../core/discord/ids.ts";
import { type InboundMessage } from "../core/inbound/inbound.ts";
import {
  type FieldAnswer,
  type FieldKind,
  FILE_GROUPS,
  type FormField,
  MAX_FIELDS,
  MAX_FILE_TYPES,
} from "../core/people/form.ts";
import { FILL_IN, type Question } from "../core/people/question.ts";
import { defineTool, type Tool, type ToolContext } from "../core/turn/tool.ts";
import { badArguments } from "../core/refused_call.ts";

const FILE_ENDING = /^\.[\w.+-]{1,30}$/;

const field = () =>
  z.strictObject({
    label: z.string().min(1).max(45),
    type: z.enum([
      "text",
      "paragraph",
      "select",
      "radio",
      "checkboxes",
      "checkbox",
      "user",
      "role",
      "channel",
      "file",
    ]),
    hint: z.string().min(1).max(100).optional(),
    optional: z.boolean().optional(),
    options: z.array(z.string().min(1).max(100)).min(1).max(25).optional()
      .describe("For select; radio and checkboxes take up to 10."),
    max: z.int().min(1).max(25).optional().describe("How many may be chosen or uploaded: 1."),
    fileTypes: z.array(z.union([z.enum(FILE_GROUPS), z.string().regex(FILE_ENDING)]))
      .min(1).max(MAX_FILE_TYPES).optional()
      .describe('For file: types to accept, such as ["image", ".pdf"].'),
  }).superRefine(({ type, options = [], fileTypes }, { addIssue }) => {
    if (fileTypes && type !== "file") {
      addIssue({ code: "custom", message: `a field of the type ${type} has no fileTypes` });
    }
    const [least, most] = OPTIONS[type];
    if (options.length < least || options.length > most) {
      addIssue({
        code: "custom",
        message: most === 0
          ? `a field of the type ${type} has no options`
          : `a field of the type ${type} needs ${least} to ${most} options`,
      });
    }
    if (new Set(options).size !== options.length) {
      addIssue({ code: "custom", message: "the options must differ" });
    }
  });

/** Minimum and maximum number of options of a field at Discord. */
const OPTIONS: Readonly<Record<FieldKind, readonly [number, number]>> = {
  text: [0, 0],
  paragraph: [0, 0],
  select: [1, 25],
  radio: [2, 10],
  checkboxes: [1, 10],
  checkbox: [0, 0],
  user: [0, 0],
  role: [0, 0],
  channel: [0, 0],
  file: [0, 0],
};

/** Maximum number of files of one field at Discord. */
const MAX_FILES = 10;

/** Maximum number of options of a menu from which a person may choose several. */
const MAX_IN_MENU = 25;

const input = () =>
  z.strictObject({
    question: z.string().min(1).max(1_000),
    options: z.array(z.string().min(1).max(100)).min(2).max(100).optional()
      .describe("Answers to choose from."),
    upTo: z.int().min(2).max(MAX_IN_MENU).optional()
      .describe("How many of up to 25 options the person may choose: 1."),
    form: z.array(field()).min(1).max(MAX_FIELDS).optional()
      .describe("Fields to fill in, instead of options."),
    to: z.string().default("asker")
      .describe(
        'Who may answer: "asker", "anyone", or the id of a person whom the message mentions.',
      ),
  }).refine(({ options, form }) => (options === undefined) !== (form === undefined), {
    message: "give either options or a form",
  }).refine(({ options = [] }) => new Set(options).size === options.length, {
    message: "the options must differ",
  }).refine(({ options, upTo }) => !upTo || (options && options.length <= MAX_IN_MENU), {
    message: "upTo needs 2 to 25 options",
  }).refine(({ form = [] }) => new Set(form.map(({ label }) => label)).size === form.length, {
    message: "the labels must differ",
  });

type AskInput = z.infer<ReturnType<typeof input>>;

type Field = z.infer<ReturnType<typeof field>>;

export const ask: Tool = defineTool({
  name: "ask",
  effect: () => undefined,
  description:
    "Asks a person with buttons, a menu or a form, and waits for the answer, up to a day. Use it if " +
    "you need a choice, details or files to go on. To ask in plain words, just answer instead.",
  input,
  needs: [],
  isIdempotent: true, // the store has one question for each call
  asks: (asked, context) => Promise.resolve(questionOf(asked, context)),
  run: (asked, { decision }) => Promise.resolve(resultOf(asked, decision)),
});

function questionOf(
  { question, options = [], upTo, form, to }: AskInput,
  context: ToolContext,
): Question | undefined {
  const asked = askedBy(to, context.message);
  if (!asked) return undefined;
  return {
    kind: "ask",
    tool: "ask",
    text: question,
    facts: [],
    choices: form
      ? [{ key: FILL_IN, style: "primary" }]
      : options.map((label, index) => ({ key: `${index}`, label })),
    upTo: upTo !== undefined ? Math.min(upTo, options.length) : undefined,
    form: form ? { title: question, fields: form.map(fieldOf) } : undefined,
    asked,
    where: "channel",
    timeoutMs: context.ports.questions.askTimeoutMs(),
  };
}

function fieldOf({ label, type, hint, optional, options = [], max, fileTypes }: Field): FormField {
  const most = type === "radio" ? 1 : type === "file" ? MAX_FILES : options.length || MAX_IN_MENU;
  return {
    kind: type,
    label,
    hint,
    isRequired: !optional,
    options,
    max: Math.min(max ?? (type === "checkboxes" ? most : 1), most),
    types: fileTypes,
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

function resultOf({ options = [], form, to }: AskInput, decision: ToolContext["decision"]): string {
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
      const { answer: { choice, several, fields }, by } = decision;
      const labelOf = (key: string) => options[Number(key)] ?? key;
      const answer = fields && form
        ? Object.fromEntries(form.map((field, at) => [field.label, valueOf(field, fields[at])]))
        : several?.map(labelOf) ?? labelOf(choice);
      return JSON.stringify({ answer, by });
    }
  }
}

function valueOf({ options = [], type }: Field, answer: FieldAnswer | undefined): unknown {
  switch (answer?.kind) {
    case undefined:
      return null;
    case "text":
      return answer.text;
    case "checked":
      return answer.isChecked;
    case "picked": {
      const labels = answer.picked.map((index) => options[index]);
      return type === "radio" ? labels[0] ?? null : labels;
    }
    case "chosen":
      return answer.chosen;
    case "files":
      return answer.files.map(({ name }) => name);
  }
}
