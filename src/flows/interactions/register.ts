/**
 * Registers commands with Discord, by diff: nothing is written that is there already (K1).
 *
 * Each write replaces the whole list of one scope. So commands of another program, which would fill
 * Discord's hundred places (error 30032), give way, too.
 *
 * @module
 */

import { isDeepStrictEqual } from "node:util";
import type { ApplicationId, GuildId } from "../../core/discord/ids.ts";
import type {
  RegisteredCommand,
  RegisteredCommands,
} from "../../core/discord/registered_command.ts";
import { createRetryQueue, type RetryQueuePorts } from "../retry_queue.ts";
import { withinLimits } from "./registered.ts";

/** Commands that are registered together: for all guilds and direct messages, or for one guild. */
export interface CommandScope {
  /** Absent: everywhere. */
  readonly guildId?: GuildId;
  /** Its commands; none clears the scope. */
  readonly commands: readonly RegisteredCommand[];
}

/** Everything that registration needs from outside. */
export interface RegistrationPorts extends RetryQueuePorts {
  /** The scopes with the commands that they have now. */
  readonly wanted: () => Promise<readonly CommandScope[]>;
  /** Reads the commands that Discord has; rejects if Discord refuses or does not answer. */
  readonly list: (
    applicationId: ApplicationId,
    guildId: GuildId | undefined,
  ) => Promise<RegisteredCommands>;
  /** Replaces all of them. */
  readonly replace: (
    applicationId: ApplicationId,
    guildId: GuildId | undefined,
    registered: RegisteredCommands,
  ) => Promise<void>;
  /** A scope is as wanted. */
  readonly onRegistered: (scope: CommandScope) => Promise<void>;
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

/** Creates the registration; it does nothing before {@link Registration.register}. */
export function createRegistration(ports: RegistrationPorts): Registration {
  const { wanted, list, replace, onRegistered, isFinal, log } = ports;
  const retries = createRetryQueue("Cannot register the slash commands", ports);
  let isPending = false;

  async function compare(applicationId: ApplicationId, scope: CommandScope): Promise<void> {
    const { guildId } = scope;
    const { kept: commands, left } = withinLimits(scope.commands);
    if (left.length > 0) {
      log.warn("Commands are left out, because Discord takes no more or no longer ones", {
        commands: left.join(", "),
      });
    }
    const { commands: registered, entryPoint } = await list(applicationId, guildId);
    if (!isDeepStrictEqual(inOrder(registered), inOrder(commands))) {
      await replace(applicationId, guildId, { commands, entryPoint });
      const names = new Set(commands.map(({ name }) => name));
      const removed = registered.filter(({ name }) => !names.has(name));
      log.info("The slash commands are registered", {
        commands: namesOf(commands),
        ...(guildId !== undefined && { guildId }),
        ...(removed.length > 0 && { removed: namesOf(removed) }),
      });
    }
    await onRegistered(scope);
  }

  return {
    register(applicationId) {
      if (isPending) return;
      isPending = true;
      retries.add(async () => {
        isPending = false; // a change from here on takes another look
        for (const scope of await wanted()) {
          try {
            await compare(applicationId, scope);
          } catch (error) {
            if (!isFinal(error)) throw error;
            log.error("Discord refuses the slash commands; the next start tries again", {
              ...(scope.guildId !== undefined && { guildId: scope.guildId }),
              error,
            });
          }
        }
      });
    },
    stop: () => retries.stop(),
  };
}

function inOrder(commands: readonly RegisteredCommand[]): readonly RegisteredCommand[] {
  return commands.toSorted((one, other) =>
    one.type - other.type || (one.name < other.name ? -1 : 1)
  );
}

function namesOf(commands: readonly RegisteredCommand[]): string {
  return commands.map(({ type, name }) => type === 1 ? `/${name}` : name).join(", ") || "none";
}
