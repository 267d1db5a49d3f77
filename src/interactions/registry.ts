/**
 * Lists all commands and components: a new one is a module, and a line here.
 *
 * Registration with Discord, routing and the documentation derive from these lists.
 *
 * @module
 */

import type { ComponentUse } from "../core/inbound/interactions.ts";
import type { Command } from "./command.ts";
import type { Component } from "./component.ts";
import { pairingButton } from "./pairing_button.ts";
import { status } from "./status.ts";
import { usage } from "./usage.ts";

/** All slash commands, with distinct names. */
export const COMMANDS: readonly Command[] = [status, usage];

/** All components; no two of the same kind have the same name. */
export const COMPONENTS: readonly Component[] = [pairingButton];

/** Finds the component for a use; `undefined` if none has this kind and name. */
export function componentOf(
  { kind, customId }: Pick<ComponentUse, "kind" | "customId">,
  components: readonly Component[],
): Component | undefined {
  return components.find((component) =>
    component.kind === kind && customId.startsWith(`${component.name}:`)
  );
}
