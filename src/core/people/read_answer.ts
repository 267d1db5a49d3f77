/**
 * Reads a person's answer to a question, by the question alone: a client can send anything.
 *
 * @module
 */

import { readForm } from "./form.ts";
import { type Deciding, FILL_IN, MENU, type Question, type QuestionAnswer } from "./question.ts";

/**
 * Reads an answer.
 *
 * @param control The choice that the store has for the used component; absent: none was used.
 * @returns `undefined` if it does not fit the question or the component.
 */
export function readAnswer(
  { choices, upTo = 1, form }: Question,
  control: string | undefined,
  { answer, selected, submitted }: Pick<Deciding, "answer" | "selected" | "submitted">,
): QuestionAnswer | undefined {
  if (form && (submitted || control === FILL_IN)) {
    const fields = control === FILL_IN && submitted ? readForm(form, submitted) : undefined;
    return fields && { choice: FILL_IN, fields };
  }
  if (submitted) return undefined;
  const isChoice = (wanted: string) =>
    wanted !== FILL_IN && choices.some(({ key }) => key === wanted);
  if (selected) {
    const [choice] = selected;
    const fits = control === MENU && selected.length <= upTo && selected.every(isChoice) &&
      new Set(selected).size === selected.length;
    if (!fits || choice === undefined) return undefined;
    return { choice, ...(upTo > 1 && { several: selected }) };
  }
  const given = answer ?? (control === undefined ? undefined : { choice: control });
  return given && isChoice(given.choice) ? given : undefined;
}
