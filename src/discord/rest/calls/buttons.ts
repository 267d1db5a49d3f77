/**
 * Converts buttons to Discord's message components.
 *
 * @module
 */

import { type ButtonComponent, ButtonStyles, MessageComponentTypes } from "@discordeno/types";
import type { Button } from "../../../core/outbound/outbound.ts";

/** A row of components below a message. Discordeno's own type is a tuple of up to five. */
export interface Row {
  /** The type of a row. */
  readonly type: MessageComponentTypes.ActionRow;
  /** At most five buttons. */
  readonly components: readonly ButtonComponent[];
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
 * Puts buttons into rows. Without buttons there is no row, because Discord accepts no empty one.
 *
 * @param buttons At most 25.
 * @see {@link https://docs.discord.com/developers/components/reference#action-row}
 */
export function rowsOf(buttons: readonly Button[]): readonly Row[] {
  return Array.from({ length: Math.ceil(buttons.length / IN_A_ROW) }, (_, row) => ({
    type: MessageComponentTypes.ActionRow,
    components: buttons.slice(row * IN_A_ROW, (row + 1) * IN_A_ROW).map(toComponent),
  }));
}

function toComponent({ customId, label, style }: Button): ButtonComponent {
  return { type: MessageComponentTypes.Button, style: STYLES[style], label, customId };
}
