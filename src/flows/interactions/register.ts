/**
 * Registers slash commands with Discord, by diff: nothing is written that is there already (K1).
 *
 * @module
 */

import { isDeepStrictEqual } from "node:util";
import type { ApplicationId } from "../../core/discord/ids.ts";
import type { Command, CommandOption } from "../../interactions/command.ts";
import type {
  RegisteredCommand,
  RegisteredCommands,
} from "../../core/discord/registered_command.ts";
import { createRetryQueue, type RetryQueuePorts } from "../retry_queue.ts";

/** Everything that registration needs from outside. */
export interface RegistrationPorts extends RetryQueuePorts {
  /** Commands to be registered now; none if the config switches them off. */
  readonly wanted: () => readonly Command[];
  /** Reads the global commands that Discord has; rejects if Discord refuses or does not answer. */
  readonly list: (applicationId: ApplicationId) => Promise<RegisteredCommands>;
  /** Replaces all of them. */
  readonly replace: (
    applicationId: ApplicationId,
    registered: RegisteredCommands,
  ) => Promise<void>;
  /** Whether asking again would not change a failure. */
  readonly isFinal: (error: unknown) => boolean;
}

/** Keeps Discord's list of commands up to date. */
export interface Registration {
  /** Compares the bot's commands with Discord's list and writes differences, until that succeeds. */
  register(applicationId: ApplicationId): void;
  /** Cancels later tries, and resolves once a running one has ended. */
  stop(): Promise<void>;
}

/** Discord's `ApplicationCommandTypes.ChatInput`. */
const SLASH = 1;

/** Discord's `ApplicationCommandOptionTypes`. */
const OPTION_TYPES: Readonly<Record<CommandOption["type"], number>> = {
  text: 3,
  whole: 4,
  boolean: 5,
};

/** Creates the registration; it does nothing before {@link Registration.register}. */
export function createRegistration(ports: RegistrationPorts): Registration {
  const { wanted, list, replace, isFinal, log } = ports;
  const retries = createRetryQueue("Cannot register the slash commands", ports);
  let isPending = false;

  async function compare(applicationId: ApplicationId): Promise<void> {
    isPending = false; // a change from here on takes another look
    const commands = wanted().map(toRegistered);
    const { commands: registered, entryPoint } = await list(applicationId);
    if (isDeepStrictEqual(byName(registered), byName(commands))) return;
    await replace(applicationId, { commands, entryPoint });
    const names = new Set(commands.map(({ name }) => name));
    const removed = registered.filter(({ name }) => !names.has(name));
    log.info("The slash commands are registered", {
      commands: namesOf(commands),
      ...(removed.length > 0 && { removed: namesOf(removed) }),
    });
  }

  return {
    register(applicationId) {
      if (isPending) return;
      isPending = true;
      retries.add(async () => {
        try {
          await compare(applicationId);
        } catch (error) {
          if (!isFinal(error)) throw error;
          log.error("Discord refuses the slash commands; the next start tries again", { error });
        }
      });
    },
    stop: () => retries.stop(),
  };
}

/** Translates a command into Discord's words. */
export function toRegistered({ name, description, options }: Command): RegisteredCommand {
  return {
    type: SLASH,
    name,
    description,
    options: options.map(({ name, description, type, isRequired }) => ({
      type: OPTION_TYPES[type],
      name,
      description,
      required: isRequired,
    })),
  };
}

function byName(commands: readonly RegisteredCommand[]): readonly RegisteredCommand[] {
  return commands.toSorted((first, second) => first.name < second.name ? -1 : 1);
}

function namesOf(commands: readonly RegisteredCommand[]): string {
  return commands.map(({ name }) => `/${name}`).join(", ") || "none";
}
