/**
 * Chooses the components by which people answer a question: buttons, menus, or a form's button.
 *
 * @module
 */

import type { Button, Menu } from "../../core/outbound/outbound.ts";
import { DENY, MENU, type StoredQuestion } from "../../core/people/question.ts";
import { bounded } from "../../lib/text/cut.ts";
import { notice, type Texts } from "../notices/notices.ts";
import { choiceLabel, isShown } from "./card.ts";

/** The components of a card, without their `custom_id`, with the choice of each for the store. */
export interface CardControls {
  /** At most {@link MAX_BUTTONS}. */
  readonly buttons: readonly (Omit<Button, "customId"> & { readonly choice: string })[];
  /** At most four menus. */
  readonly menus: readonly (Omit<Menu, "customId"> & { readonly choice: string })[];
}

/** More choices than these are in a menu. */
const MAX_BUTTONS = 5;
/** Discord's maximum number of characters for a button's label, and for an option's. */
const MAX_LABEL = 80;
const MAX_OPTION = 100;
/** Discord's maximum number of options of a menu. */
const IN_A_MENU = 25;

/** The components of an open question. */
export function controlsOf({ question }: StoredQuestion, texts: Texts): CardControls {
  const { choices, upTo = 1 } = question;
  // A person must see the command that they approve.
  const shown = isShown(question) ? choices : choices.filter(({ key }) => key === DENY);
  const labelled = shown.map((choice) => ({ ...choice, text: choiceLabel(choice, texts) }));
  const needsMenu = upTo > 1 || labelled.length > MAX_BUTTONS ||
    labelled.some(({ text }) => text.length > MAX_LABEL);
  if (!needsMenu) {
    const buttons = labelled.map(({ key, text, style = "secondary" }) => ({
      choice: key,
      label: bounded(text, MAX_LABEL),
      style,
    }));
    return { buttons, menus: [] };
  }
  const count = Math.ceil(labelled.length / IN_A_MENU);
  const menus = Array.from({ length: count }, (_, index) => {
    const from = index * IN_A_MENU;
    const options = labelled.slice(from, from + IN_A_MENU);
    const range = `${from + 1}–${from + options.length}`;
    return {
      choice: MENU,
      placeholder: count === 1
        ? notice("chooseOption", {}, texts)
        : notice("chooseOptionOf", { range }, texts),
      max: Math.min(upTo, options.length),
      options: options.map(({ key, text }) => ({
        value: key,
        label: bounded(text, MAX_OPTION) || key,
      })),
    };
  });
  return { buttons: [], menus };
}
