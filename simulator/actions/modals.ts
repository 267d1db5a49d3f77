/**
 * Simulates a person who fills in a modal that an application has opened.
 *
 * Discord's client sends only values that fit the fields, so this module refuses others.
 *
 * @see {@link https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-object-modal-submit-data-structure}
 */

import { begun } from "./interactions.ts";
import { type Outcome, refuse, refuseForm } from "../world/refusals.ts";
import type { Interaction, World } from "../world/world.ts";

/** The texts of a modal's fields, by their labels. */
export type ModalValues = Readonly<Record<string, string>>;

/** Submits the modal that was the answer to an interaction. */
export function submitModal(
  world: World,
  opened: Interaction,
  values: ModalValues,
  now: number,
): Outcome<Interaction> {
  const application = world.applications.get(opened.applicationId);
  if (opened.answer?.kind !== "modal" || !application) return refuse("unknownInteraction");
  const { modal } = opened.answer;
  const given: Record<string, string> = {};
  for (const { label, component } of modal.components) {
    const value = values[label] ?? "";
    const max = component.max_length ?? 4_000;
    const fits = value === "" ? component.required === false : value.length <= max;
    if (!fits) {
      return refuseForm({
        path: ["data", "components"],
        code: "COMPONENT_VALIDATION_FAILED",
        message: `The field ${label} takes a text of up to ${max} characters`,
      });
    }
    given[component.custom_id] = value;
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
  }, now);
}
