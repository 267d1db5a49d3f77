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
import { context } from "./context_command.ts";
import { memory } from "./memory.ts";
import { pairingButton } from "./pairing_button.ts";
import { approvalButton, askButton, escalationButton } from "./question_buttons.ts";
import { status } from "./status.ts";
import { stop, stopButton } from "./stop.ts";
import { usage } from "./usage.ts";

/** All slash commands, with distinct names. */
export const COMMANDS: readonly Command[] = [status, context, memory, usage, stop];

/** All components; no two of the same kind have the same name. */
export const COMPONENTS: readonly Component[] = [
  pairingButton,
  stopButton,
  approvalButton,
  escalationButton,
  askButton,
];

/** Finds the component for a use; `undefined` if none has this kind and name. */
export function componentOf(
  { kind, customId }: Pick<ComponentUse, "kind" | "customId">,
  components: readonly Component[],
): Component | undefined {
  return components.find((component) =>
    component.kind === kind && customId.startsWith(`${component.name}:`)
  );
}
