/**
 * Lists all commands and components. A new one is an entry in the list of its module; the lists here
 * join them in the order of `/help` and `docs/commands.md`.
 *
 * Rights, registration with Discord, text commands, routing and the documentation derive from these
 * lists.
 */

import type { BotAccount } from "../account/account.ts";
import type { CommandKind, ComponentUse } from "../core/inbound/inbound.ts";
import type { Command, Component, MessageCommand } from "./base/command.ts";
import { ABOUT, agents } from "./commands/about.ts";
import { QUESTIONS, skill } from "./commands/ask.ts";
import { allowlist, approve, config } from "./commands/config.ts";
import { CONVERSATION, stopButton, undo, undoButton } from "./commands/conversation.ts";
import { STOPS } from "./commands/pause.ts";
import { settings, settingsMenu } from "./commands/settings.ts";
import { FEATURES } from "../features/features.ts";
import { pairingButton, QUESTION_COMPONENTS } from "./components.ts";

const OF_CORE: readonly Command[] = [
  ...ABOUT,
  skill,
  undo,
  ...CONVERSATION,
  settings,
  allowlist,
  config,
  agents,
  ...STOPS,
];

const OF_FEATURES = FEATURES.flatMap(({ commands = [] }) => commands);
const after = (name?: string) => OF_FEATURES.filter(({ follows }) => follows === name);

export const COMMANDS: readonly Command[] = [
  ...OF_CORE.flatMap((one) => [one, ...after(one.name)]),
  ...after(),
  approve,
];

/** All commands in the menu of a message, with distinct names. Discord takes five at most. */
export const MESSAGE_COMMANDS: readonly MessageCommand[] = [
  ...QUESTIONS,
  ...FEATURES.flatMap(({ messageCommands = [] }) => messageCommands),
];

/** All commands as people write them in messages, by name: their rights, and whether they take words. */
export const TEXT_COMMANDS: ReadonlyMap<string, CommandKind> = new Map(
  COMMANDS.map(({ name, needs, options, subcommands, takesWords = false }) => [
    name,
    { needs, takesWords: takesWords || options !== undefined || subcommands !== undefined },
  ]),
);

/** All components; no two of the same kind have the same name. */
export const COMPONENTS: readonly Component[] = [
  pairingButton,
  stopButton,
  settingsMenu,
  ...QUESTION_COMPONENTS,
  undoButton,
  ...FEATURES.flatMap(({ components = [] }) => components),
];

/** Those that the config allows. */
export function offeredCommands(account: BotAccount): readonly Command[] {
  return COMMANDS.filter(({ isOffered }) => isOffered?.(account) ?? true);
}

/** Finds the component for a use; `undefined` if none has this kind and name. */
export function componentOf(
  { kind, customId }: {
    readonly kind: ComponentUse["kind"];
    readonly customId: ComponentUse["customId"];
  },
): Component | undefined {
  return COMPONENTS.find((component) =>
    component.kind === kind && customId.startsWith(`${component.name}:`)
  );
}
