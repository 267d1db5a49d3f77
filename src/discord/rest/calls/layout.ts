/**
 * Lays out the components of a message: rows below its text, or a card in Components V2.
 *
 * In the second layout, a message has no text of its own: its components have it.
 *
 * @see {@link https://docs.discord.com/developers/components/reference#container}
 *
 * @module
 */

import type { Card, OutboundMessage } from "../../../core/outbound/outbound.ts";
import { type Row, rowsOf } from "./buttons.ts";

/** Flag of a message in the second layout; no edit can remove it. */
export const IS_COMPONENTS_V2 = 1 << 15;

/** Colour of the edge while a person must decide: Discord's blurple. */
const OPEN_COLOR = 0x58_65_F2;

/** A box around the text and the components of a card, by numbers that Discordeno does not know. */
export interface Container {
  /** The type of a box. */
  readonly type: 17;
  /** Colour of its edge, as RGB; absent for none. */
  readonly accentColor?: number;
  /** Texts, a line, and rows, from top to bottom. */
  readonly components: readonly (
    | { readonly type: 10; readonly content: string }
    | { readonly type: 14 }
    | Row
  )[];
}

/** The components of a message. */
export type Layout = readonly (Row | Container)[];

/** The components of a message; none if it changes none. */
export function componentsOf(
  { card, buttons, menus }: Pick<OutboundMessage, "card" | "buttons" | "menus">,
): { readonly components?: Layout } {
  const rows = buttons || menus ? rowsOf(buttons ?? [], menus) : undefined;
  if (card) return { components: layoutOf(card, rows ?? []) };
  return rows ? { components: rows } : {};
}

/** The second layout of a card. */
export function layoutOf({ blocks, isOpen }: Card, rows: readonly Row[] = []): Layout {
  const texts = blocks.map((content) => ({ type: 10, content }) as const);
  return [{
    type: 17,
    accentColor: isOpen ? OPEN_COLOR : undefined,
    components: rows.length > 0 ? [...texts, { type: 14 }, ...rows] : texts,
  }];
}
