/**
 * Registers commands with Discord, by diff: nothing is written that is there already (K1).
 *
 * Each write replaces the whole list of one scope. So commands of another program, which would fill
 * Discord's hundred places (error 30032), give way, too.
 */

import { isDeepStrictEqual } from "node:util";
import type { Account } from "../../core/account/account.ts";
import { type ApplicationId, type GuildId, parseSnowflake } from "../../core/discord/ids.ts";
import type {
  RegisteredCommand,
  RegisteredCommands,
  RegisteredOption,
} from "../../core/discord/registered_command.ts";
import type { Finding } from "../../core/finding.ts";
import type { Store } from "../../store/store.ts";
import { COMMANDS, MESSAGE_COMMANDS } from "../../interactions/registry.ts";
import { createRetryQueue } from "../retry_queue.ts";
import type { RetryDelay } from "../../lib/network/backoff.ts";
import type {
  Command,
  CommandOption,
  MessageCommand,
  OfferUses,
  Subcommand,
} from "../../interactions/base/command.ts";

/** Commands that are registered together: for all guilds and direct messages, or for one guild. */
export interface CommandScope {
  /** Absent: everywhere. */
  readonly guildId?: GuildId;
  /** Its commands; none clears the scope. */
  readonly commands: readonly RegisteredCommand[];
}

/**
 * Creates the list by the current config.
 *
 * @param context Tells whether a command is offered.
 */
export function createWantedCommands(
  { accountId, config, store: { settings }, now }: Pick<
    Account<Pick<Store, "settings">, unknown, {
      /** `channels.discord`. */
      readonly discord: {
        readonly nativeCommands: boolean;
        readonly commands: { readonly guildId?: GuildId };
      };
    }>,
    "accountId" | "config" | "store" | "now"
  >,
  context: OfferUses,
) {
  const known = () => settings.settingOf(accountId, "account", "commandGuild");

  return {
    /**
     * The scopes: everywhere, or one guild. A guild that had the commands before is cleared, because
     * its people would see each command twice.
     */
    async wanted(): Promise<readonly CommandScope[]> {
      const { nativeCommands, commands: { guildId: commandGuildId } } = config().discord;
      const commands = nativeCommands
        ? [
          ...COMMANDS.filter(({ isOffered }) => isOffered?.(context) ?? true)
            .map(toRegistered),
          ...MESSAGE_COMMANDS.map(toMessageMenu),
        ]
        : [];
      const before = parseSnowflake<"guild">(await known() ?? "");
      const old: readonly GuildId[] = before && before !== commandGuildId ? [before] : [];
      const cleared = old.map((guildId) => ({ guildId, commands: [] }));
      return commandGuildId === undefined
        ? [{ commands }, ...cleared]
        : [{ commands: [] }, ...cleared, { guildId: commandGuildId, commands }];
    },
    /** A scope is registered: its guild must be cleared if the config changes. */
    async onRegistered({ guildId, commands }: CommandScope): Promise<void> {
      if (guildId === undefined) return;
      const value = commands.length > 0 ? guildId : undefined;
      const before = await known();
      if (before === value || (value === undefined && before !== guildId)) return;
      await settings.change(accountId, "account", "commandGuild", value, now());
    },
  };
}

/** Nothing waits for the commands: they work as messages, too. */
const RETRY: RetryDelay = { minDelayMs: 2_000, maxDelayMs: 600_000, jitter: 0.2 };

/** Milliseconds after which a registration is a problem: Discord may ask to wait for half a day. */
const SLOW_MS = 60_000;
const SLOW = "people may not see the slash commands yet: Discord asks to wait before it takes them";

/** Creates the registration; it does nothing before `register`. */
export function createRegistration(account: Pick<Account, "log" | "random" | "schedule">, ports: {
  readonly wanted: () => Promise<readonly CommandScope[]>;
  /** Reads the commands that Discord has; rejects if Discord refuses or does not answer. */
  readonly list: (
    applicationId: ApplicationId,
    guildId: GuildId | undefined,
  ) => Promise<RegisteredCommands>;
  readonly replace: (
    applicationId: ApplicationId,
    guildId: GuildId | undefined,
    registered: RegisteredCommands,
  ) => Promise<void>;
  readonly onRegistered: (scope: CommandScope) => Promise<void>;
  /** Whether asking again would not change a failure. */
  readonly isFinal: (error: unknown) => boolean;
}) {
  const { log, schedule } = account;
  const { wanted, list, replace, onRegistered, isFinal } = ports;
  const retries = createRetryQueue("Cannot register the slash commands", account, RETRY);
  let isPending = false;
  let problem: string | undefined;

  async function compare(applicationId: ApplicationId, scope: CommandScope): Promise<void> {
    const { guildId, commands } = scope;
    const { commands: registered, entryPoint } = await list(applicationId, guildId);
    if (!isDeepStrictEqual(inOrder(registered), inOrder(commands))) {
      await replace(applicationId, guildId, { commands, entryPoint });
      const names = new Set(commands.map(({ name }) => name));
      const removed = registered.filter(({ name }) => !names.has(name));
      log.info("The slash commands are registered", {
        commands: commands.length,
        ...(guildId !== undefined && { guildId }),
        ...(removed.length > 0 && { removed: namesOf(removed) }),
      });
    }
    await onRegistered(scope);
  }

  async function compareAll(applicationId: ApplicationId): Promise<void> {
    let found: string | undefined;
    for (const scope of await wanted()) {
      try {
        await compare(applicationId, scope);
      } catch (error) {
        if (!isFinal(error)) throw error;
        const reason = textOf(error);
        found = `people do not see the slash commands: ${reason}`;
        log.error("Discord refuses the slash commands; the next start tries again", {
          guildId: scope.guildId,
          reason,
        });
      }
    }
    problem = found;
  }

  return {
    /** Compares the bot's commands with Discord's list and writes differences, until that succeeds. */
    register(applicationId: ApplicationId): void {
      if (isPending) return;
      isPending = true;
      retries.add(async () => {
        isPending = false; // a change from here on takes another look
        const isSlow = () => void (problem ??= SLOW);
        const cancel = schedule(isSlow, SLOW_MS);
        try {
          await compareAll(applicationId);
        } catch (error) {
          problem = `people may not see the slash commands; Barnacle tries again: ${textOf(error)}`;
          throw error;
        } finally {
          cancel();
        }
      });
    },
    /** The failure of the last registration, for health. */
    findings: (): readonly Finding[] =>
      problem === undefined ? [] : [{
        id: "commands:registered",
        what: "Commands",
        status: "warn",
        why: problem,
        fix: "commands work as messages, too; the next start registers them again at the latest",
      }],
    /** Cancels later tries, and resolves once a running one has ended. */
    stop: (): Promise<void> => retries.stop(),
  };
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function inOrder(commands: readonly RegisteredCommand[]): readonly RegisteredCommand[] {
  return commands.toSorted((one, other) =>
    one.type - other.type || (one.name < other.name ? -1 : 1)
  );
}

function namesOf(commands: readonly RegisteredCommand[]): string {
  return commands.map(({ type, name }) => type === 1 ? `/${name}` : name).join(", ") || "none";
}

/** Discord's `ApplicationCommandTypes`. */
const SLASH = 1;
const MESSAGE = 3;

/**
 * Discord shows owners' commands only to members with Manage Server. It hides them from other members,
 * and the policy still judges each use.
 */
const MANAGE_GUILD = String(1 << 5);

/** Discord's `ApplicationCommandOptionTypes`. */
const SUBCOMMAND = 1;
const OPTION_TYPES: Readonly<Record<CommandOption["type"], number>> = {
  text: 3,
  whole: 4,
  boolean: 5,
  user: 6,
  channel: 7,
};

export function toRegistered(
  { name, description, needs, options = [], subcommands }: Command,
): RegisteredCommand {
  return {
    type: SLASH,
    name,
    description,
    ...(needs === "owner" && { default_member_permissions: MANAGE_GUILD }),
    options: subcommands ? subcommands.map(toSubcommand) : options.map(toOption),
  };
}

function toMessageMenu({ name }: MessageCommand): RegisteredCommand {
  return { type: MESSAGE, name, description: "", options: [] };
}

function toSubcommand({ name, description, options = [] }: Subcommand): RegisteredOption {
  return {
    type: SUBCOMMAND,
    name,
    description,
    ...(options.length > 0 && { options: options.map(toOption) }),
  };
}

function toOption(
  { name, description, type, isRequired, choices, suggest }: CommandOption,
): RegisteredOption {
  return {
    type: OPTION_TYPES[type],
    name,
    description,
    ...(isRequired && { required: true }),
    ...(suggest && { autocomplete: true }),
    ...(choices && { choices: choices.map(({ name, value }) => ({ name, value })) }),
  };
}
