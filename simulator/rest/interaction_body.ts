/**
 * Parses an application's answer to an interaction.
 *
 * @see {@link
 * https://docs.discord.com/developers/interactions/receiving-and-responding#create-interaction-response}
 */

import { z } from "zod";
import { toProblems } from "../world/field_problems.ts";
import { modalBody } from "../world/modals.ts";
import type { Callback } from "../actions/interactions.ts";
import { parseCreate, type Parsed, parseEdit, type UploadedFile } from "./message_body.ts";

const fields = z.record(z.string(), z.unknown());

/** Types of answers to a button; those with text carry it in `data`. */
const body = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal(4), data: fields }),
  z.strictObject({ type: z.literal(5), data: fields.nullish() }),
  z.strictObject({ type: z.literal(6) }),
  z.strictObject({ type: z.literal(7), data: fields }),
  z.strictObject({ type: z.literal(9), data: modalBody }),
  z.strictObject({
    type: z.literal(8),
    data: z.strictObject({
      choices: z.array(z.strictObject({
        name: z.string().min(1).max(100),
        value: z.string().max(100).or(z.number()),
      })).max(25),
    }),
  }),
]);

/** Flag of a message that only one person sees. */
const EPHEMERAL = 1 << 6;

/** Fields of a message that the answer to an interaction may not have. */
const NOT_IN_ANSWERS = ["nonce", "enforce_nonce", "message_reference", "sticker_ids"];

export function parseCallback(given: unknown, files: readonly UploadedFile[]): Parsed<Callback> {
  const parsed = body.safeParse(given);
  if (!parsed.success) return { kind: "wrong", problems: toProblems(parsed.error) };
  const { data } = parsed;
  if (data.type === 5 || data.type === 6) {
    const flags = data.type === 5 && data.data ? Number(data.data.flags ?? 0) : 0;
    const isEphemeral = (flags & EPHEMERAL) !== 0;
    return { kind: "parsed", value: { kind: "defer", isEphemeral, isUpdate: data.type === 6 } };
  }
  if (data.type === 9) return { kind: "parsed", value: { kind: "modal", modal: data.data } };
  if (data.type === 8) {
    return { kind: "parsed", value: { kind: "suggest", choices: data.data.choices } };
  }
  const strange = NOT_IN_ANSWERS.find((name) => name in data.data);
  if (strange !== undefined) {
    return {
      kind: "wrong",
      problems: [{
        path: ["data", strange],
        code: "UNKNOWN_FIELD",
        message: `The answer to an interaction has no field ${strange}`,
      }],
    };
  }
  if (data.type === 4) {
    const draft = within(parseCreate(data.data, files));
    return draft.kind === "wrong"
      ? draft
      : { kind: "parsed", value: { kind: "reply", draft: draft.value } };
  }
  const edit = within(parseEdit(data.data, files));
  return edit.kind === "wrong"
    ? edit
    : { kind: "parsed", value: { kind: "update", edit: edit.value } };
}

/** The message is in `data`. */
function within<Value>(parsed: Parsed<Value>): Parsed<Value> {
  if (parsed.kind === "parsed") return parsed;
  const problems = parsed.problems.map((problem) => ({
    ...problem,
    path: ["data", ...problem.path],
  }));
  return { kind: "wrong", problems };
}
