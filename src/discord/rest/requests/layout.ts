/**
 * Lays out the components of a message: buttons and menus in rows below its text, or a card in
 * Components V2. In that second layout, a message has no text of its own: its components have it.
 *
 * @see {@link https://docs.discord.com/developers/components/reference}
 */

import {
  type ButtonComponent,
  ButtonStyles,
  MessageComponentTypes,
  type SelectMenuComponent,
} from "@discordeno/types";
import type {
  Button,
  Card,
  LinkButton,
  Menu,
  OutboundMessage,
} from "../../../core/outbound/outbound.ts";

/** Flag of a message in the second layout; no edit can remove it. */
export const IS_COMPONENTS_V2 = 1 << 15;

/** Colour of the edge while a person must decide: Discord's blurple. */
const OPEN_COLOR = 0x58_65_F2;

/** A box around the text and the components of a card, by numbers that Discordeno does not know. */
export interface Container {
  readonly type: 17;
  /** Colour of its edge, as RGB; absent for none. */
  readonly accentColor?: number;
  /** Texts, a line, and rows, from top to bottom. */
  readonly components: readonly (
    | { readonly type: 10; readonly content: string }
    | { readonly type: 14 }
    | ButtonRow
  )[];
}

export type Layout = readonly (ButtonRow | Container)[];

/** The components of a message; none if it changes none. */
export function componentsOf(
  { card, buttons, menus, link }: Pick<OutboundMessage, "card" | "buttons" | "menus" | "link">,
): { readonly components?: Layout } {
  const rows = buttons || menus ? rowsOf(buttons ?? [], menus, link) : undefined;
  if (card) return { components: layoutOf(card, rows ?? []) };
  return rows ? { components: rows } : {};
}

export function layoutOf({ blocks, isOpen }: Card, rows: readonly ButtonRow[] = []): Layout {
  const texts = blocks.map((content) => ({ type: 10, content }) as const);
  return [{
    type: 17,
    accentColor: isOpen ? OPEN_COLOR : undefined,
    components: rows.length > 0 ? [...texts, { type: 14 }, ...rows] : texts,
  }];
}

/** A row of components below a message. Discordeno's own type is a tuple of up to five. */
export interface ButtonRow {
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
export function rowsOf(
  buttons: readonly Button[],
  menus: readonly Menu[] = [],
  link?: LinkButton,
): readonly ButtonRow[] {
  const type = MessageComponentTypes.ActionRow;
  const all = [...link ? [toLink(link)] : [], ...buttons.map(toComponent)];
  return [
    ...Array.from({ length: Math.ceil(all.length / IN_A_ROW) }, (_, row): ButtonRow => ({
      type,
      components: all.slice(row * IN_A_ROW, (row + 1) * IN_A_ROW),
    })),
    ...menus.map((menu): ButtonRow => ({ type, components: [toMenu(menu)] })),
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

function toLink(link: LinkButton): ButtonComponent {
  return { type: MessageComponentTypes.Button, style: ButtonStyles.Link, ...link };
}

function toComponent({ customId, label, style }: Button): ButtonComponent {
  return { type: MessageComponentTypes.Button, style: STYLES[style], label, customId };
}
