/**
 * Simulates a person who fills in a modal that an application has opened.
 *
 * Discord's client sends only values that fit the fields, so this module refuses others.
 *
 * @see {@link https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-object-modal-submit-data-structure}
 */

import { begun } from "./interactions.ts";
import { type ModalValue, valueProblem } from "../world/modals.ts";
import { type Outcome, refuse, refuseForm } from "../world/refusals.ts";
import { nextId } from "../world/snowflake.ts";
import type { Attachment, Interaction, World } from "../world/world.ts";

/** The values of a modal's fields, by their labels. */
export type ModalValues = Readonly<Record<string, ModalValue | readonly NewFile[]>>;

/** A file that a person uploads in a modal. */
export type NewFile = Omit<Attachment, "id">;

/**
 * Submits the modal that was the answer to an interaction.
 *
 * @param values By the label of the field. A choice is named by its label.
 */
export function submitModal(
  world: World,
  opened: Interaction,
  values: ModalValues,
  now: number,
): Outcome<Interaction> {
  const application = world.applications.get(opened.applicationId);
  if (opened.answer?.kind !== "modal" || !application) return refuse("unknownInteraction");
  const { modal } = opened.answer;
  const files: Attachment[] = [];
  const given: Record<string, ModalValue> = {};
  for (const { label, component } of modal.components) {
    const written = values[label];
    const value = Array.isArray(written)
      ? written.map((one) => {
        if (typeof one === "string") return valueOf(component, one);
        const file = { ...one, id: nextId<"attachment">(world.ids, now) };
        world.media.keep(file);
        files.push(file);
        return file.id;
      })
      : typeof written === "string"
      ? valueOf(component, written)
      : typeof written === "boolean"
      ? written
      : undefined;
    const problem = valueProblem(component, value);
    if (problem !== undefined) {
      return refuseForm({
        path: ["data", "components"],
        code: "COMPONENT_VALIDATION_FAILED",
        message: `The field ${label} takes ${problem}`,
      });
    }
    if (value !== undefined) given[component.custom_id] = value;
  }
  const unknown = Object.keys(values).find((label) =>
    !modal.components.some((field) => field.label === label)
  );
  if (unknown !== undefined) throw new RangeError(`The modal has no field ${unknown}`);
  const { subject, userId, channelId } = opened;
  return begun(world, application, userId, channelId, {
    kind: "modal",
    modal,
    ...("message" in subject && { message: subject.message }),
    values: given,
    files,
  }, now);
}

/** The value of an option by its label; other fields have the text itself. */
function valueOf(field: object, written: string): string {
  if (!("options" in field) || !Array.isArray(field.options)) return written;
  return field.options.find(({ label }) => label === written)?.value ?? written;
}
