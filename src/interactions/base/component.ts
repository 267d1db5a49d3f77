/**
 * Declares a button, select menu or modal. Each is a module of its own, listed in `registry.ts`.
 *
 * @module
 */

import type { CommandNeeds } from "../../core/inbound/commands.ts";
import type { Card } from "../../core/outbound/outbound.ts";
import type { EventOf } from "../../core/inbound/events.ts";
import type { ComponentUse } from "../../core/inbound/interactions.ts";
import type { Texts } from "../../render/notices/notices.ts";
import type { InteractionContext } from "./context.ts";

/** The answer to the use of a component. */
export type ComponentAnswer =
  /** Replaces the message that has the component; the card is for messages that are one. */
  | { readonly how: "update"; readonly text: string; readonly card?: Card; readonly later?: Later }
  /** A message of 1 to 2000 characters for the person alone. */
  | { readonly how: "reply"; readonly text: string; readonly later?: Later }
  /** The gateway's thread has opened a form. */
  | { readonly how: "form"; readonly later?: undefined };

/** Does work that takes long. It begins once the answer is sent; its result replaces a `reply`. */
export type Later = () => Promise<string>;

/** Names of all kinds of component. */
export type ComponentKind = ComponentUse["kind"];

/** A component of one kind: its name for routing, its right and its answer. */
export interface ComponentOf<Kind extends ComponentKind> {
  /** Only uses of this kind are routed to it. */
  readonly kind: Kind;
  /** The part of a `custom_id` before its first `:`, by which uses are routed. */
  readonly name: string;
  /** The right that policy checks before {@link ComponentOf.run}. */
  readonly needs: CommandNeeds;
  /**
   * Runs once the person's rights are checked. A client can send any `custom_id`, so `run` trusts
   * only the store.
   *
   * @returns `undefined` if the component has no effect any more.
   */
  run(use: EventOf<Kind>, context: InteractionContext): Promise<ComponentAnswer | undefined>;
  /** The notice for the person if `run` failed. */
  failedText(texts: Texts): string;
}

/** A component of any kind. */
export type Component = { [Kind in ComponentKind]: ComponentOf<Kind> }[ComponentKind];
