/**
 * Lists all commands and components: a new one is a module, and a line here.
 *
 * Registration with Discord, text commands, routing and the documentation derive from these lists.
 *
 * @module
 */

import type { ComponentUse } from "../core/inbound/interactions.ts";
import type { Command, MessageCommand } from "./base/command.ts";
import type { Component } from "./base/component.ts";
import { pairingButton } from "./components/pairing_button.ts";
import {
  approvalButton,
  askButton,
  askForm,
  askMenu,
  escalationButton,
  goOnButton,
  rightButton,
} from "./components/question_buttons.ts";
import { context } from "./general/context_command.ts";
import { forget } from "./general/forget.ts";
import { commands, help } from "./general/help.ts";
import { memory } from "./general/memory.ts";
import { skill } from "./general/skill.ts";
import { status } from "./general/status.ts";
import { undo, undoButton } from "./general/undo.ts";
import { usage } from "./general/usage.ts";
import { whoami } from "./general/whoami.ts";
import { why } from "./general/why.ts";
import { askAbout, remindMe, summarise, whyNoAnswer } from "./on_message/message_commands.ts";
import { activation } from "./owner/activation.ts";
import { agents } from "./owner/agents.ts";
import { allowlist } from "./owner/allowlist.ts";
import { approve } from "./owner/approve.ts";
import { config } from "./owner/config.ts";
import { mcp } from "./owner/mcp.ts";
import { pause } from "./owner/pause.ts";
import { restart } from "./owner/restart.ts";
import { send } from "./owner/send.ts";
import { compact } from "./session/compact.ts";
import { model, models } from "./session/model.ts";
import { queue } from "./session/queue.ts";
import { fresh, reset } from "./session/reset.ts";
import { reasoning } from "./session/reasoning.ts";
import { verbose } from "./session/verbose.ts";
import { stop, stopButton } from "./session/stop.ts";
import { think } from "./session/think.ts";

/** All commands, with distinct names. */
export const COMMANDS: readonly Command[] = [
  help,
  commands,
  status,
  whoami,
  usage,
  context,
  why,
  memory,
  skill,
  forget,
  undo,
  stop,
  fresh,
  reset,
  compact,
  model,
  models,
  think,
  reasoning,
  verbose,
  queue,
  activation,
  allowlist,
  send,
  config,
  agents,
  mcp,
  pause,
  restart,
  approve,
];

/** All commands in the menu of a message, with distinct names. Discord takes five at most. */
export const MESSAGE_COMMANDS: readonly MessageCommand[] = [
  askAbout,
  summarise,
  remindMe,
  whyNoAnswer,
];

/** All components; no two of the same kind have the same name. */
export const COMPONENTS: readonly Component[] = [
  pairingButton,
  stopButton,
  approvalButton,
  escalationButton,
  rightButton,
  askButton,
  askMenu,
  askForm,
  goOnButton,
  undoButton,
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
