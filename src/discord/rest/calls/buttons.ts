/**
 * Buttons in Discord's words.
 *
 * @module
 */

import { type ButtonComponent, ButtonStyles, MessageComponentTypes } from "@discordeno/types";
import type { Button } from "../../../core/outbound/outbound.ts";

/** What stands side by side below a message; Discordeno's own type counts to five. */
export interface Row {
  readonly type: MessageComponentTypes.ActionRow;
  readonly components: readonly ButtonComponent[];
}

const STYLES: Readonly<Record<Button["style"], ButtonStyles>> = {
  primary: ButtonStyles.Primary,
  secondary: ButtonStyles.Secondary,
  success: ButtonStyles.Success,
  danger: ButtonStyles.Danger,
};

/**
 * One row of buttons; no row where there are none, for Discord takes no empty one.
 *
 * @param buttons Five at most.
 * @see {@link https://docs.discord.com/developers/components/reference#action-row}
 */
export function rowsOf(buttons: readonly Button[]): readonly Row[] {
  if (buttons.length === 0) return [];
  return [{ type: MessageComponentTypes.ActionRow, components: buttons.map(toComponent) }];
}

function toComponent({ customId, label, style }: Button): ButtonComponent {
  return { type: MessageComponentTypes.Button, style: STYLES[style], label, customId };
}
