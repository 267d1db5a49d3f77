/**
 * Converts buttons to Discord's message components.
 *
 * @module
 */

import {
  type ButtonComponent,
  ButtonStyles,
  MessageComponentTypes,
  type SelectMenuComponent,
} from "@discordeno/types";
import type { Button, Menu } from "../../../core/outbound/outbound.ts";

/** A row of components below a message. Discordeno's own type is a tuple of up to five. */
export interface Row {
  /** The type of a row. */
  readonly type: MessageComponentTypes.ActionRow;
  /** At most five buttons, or one select menu. */
  readonly components: readonly (ButtonComponent | SelectMenuComponent)[];
}

const STYLES: Readonly<Record<Button["style"], ButtonStyles>> = {
  primary: ButtonStyles.Primary,
  secondary: ButtonStyles.Secondary,
  success: ButtonStyles.Success,
  danger: ButtonStyles.Danger,
};

/** Maximum number of buttons in a row. */
const IN_A_ROW = 5;

/**
 * Puts buttons into rows, and each menu into one. Without them there is no row, because Discord
 * accepts no empty one.
 *
 * @param buttons With the menus, five rows at most.
 * @see {@link https://docs.discord.com/developers/components/reference#action-row}
 */
export function rowsOf(buttons: readonly Button[], menus: readonly Menu[] = []): readonly Row[] {
  const type = MessageComponentTypes.ActionRow;
  return [
    ...Array.from({ length: Math.ceil(buttons.length / IN_A_ROW) }, (_, row): Row => ({
      type,
      components: buttons.slice(row * IN_A_ROW, (row + 1) * IN_A_ROW).map(toComponent),
    })),
    ...menus.map((menu): Row => ({ type, components: [toMenu(menu)] })),
  ];
}

function toMenu({ customId, placeholder, max, options }: Menu): SelectMenuComponent {
  return {
    type: MessageComponentTypes.SelectMenu,
    customId,
    placeholder,
    minValues: 1,
    maxValues: max,
    options: [...options],
  };
}

function toComponent({ customId, label, style }: Button): ButtonComponent {
  return { type: MessageComponentTypes.Button, style: STYLES[style], label, customId };
}
