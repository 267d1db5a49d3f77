/**
 * Registers commands with Discord, by diff: nothing is written that is there already (K1).
 *
 * Each write replaces the whole list of one scope. So commands of another program, which would fill
 * Discord's hundred places (error 30032), give way, too.
 */

import { isDeepStrictEqual } from "node:util";
import type { BotAccount } from "../account/account.ts";
import { perAccount } from "../account/per_account.ts";
import { type ApplicationId, type GuildId, parseSnowflake } from "../core/discord/ids.ts";
import type {
  RegisteredCommand,
  RegisteredOption,
} from "../discord/rest/requests/application_commands.ts";
import type { Finding } from "../core/finding.ts";
import { isFinalRefusal } from "../discord/rest/exchange/exchange.ts";
import { MESSAGE_COMMANDS, offeredCommands } from "../interactions/registry.ts";
import { createRetryQueue } from "./retry_queue.ts";
import type {
  Command,
  CommandOption,
  MessageCommand,
  Subcommand,
} from "../interactions/base/command.ts";

/** Milliseconds from the first READY: catch-up and the first answers go first. */
const REGISTER_AFTER_MS = 2_000;

/** Milliseconds after which a registration is a problem: Discord may ask to wait for half a day. */
const SLOW_MS = 60_000;
const SLOW = "people may not see the slash commands yet: Discord asks to wait before it takes them";

interface Registration {
  readonly retries: ReturnType<typeof createRetryQueue>;
  /** Set once the first registration is scheduled. */
  cancel?: () => void;
  isPending?: boolean;
  problem?: string | undefined;
}

const registration = perAccount("interactions", (account): Registration => ({
  retries: createRetryQueue("Cannot register the slash commands", account),
}));

/** Registers the commands once, as soon as the bot's application is known. */
export function registerLater(account: BotAccount): void {
  const applicationId = account.self()?.applicationId;
  const state = registration(account);
  if (applicationId === undefined || state.cancel) return;
  state.cancel = account.schedule(() => register(account), REGISTER_AFTER_MS);
}

/** The config has changed, and the commands with it. */
export function registerAgain(account: BotAccount): void {
  if (registration(account).cancel) register(account);
}

/** Compares the bot's commands with Discord's list and writes differences, until that succeeds. */
function register(account: BotAccount): void {
  const applicationId = account.self()?.applicationId;
  const state = registration(account);
  if (state.isPending || applicationId === undefined) return;
  state.isPending = true;
  state.retries.add(async () => {
    state.isPending = false; // a change from here on takes another look
    const cancel = account.schedule(() => void (state.problem ??= SLOW), SLOW_MS);
    try {
      state.problem = await compareAll(account.forPart("interactions"), applicationId);
    } catch (error) {
      const reason = textOf(error);
      state.problem = `people may not see the slash commands; Barnacle tries again: ${reason}`;
      throw error;
    } finally {
      cancel();
    }
  });
}

/** The failure of the last registration, for health. */
export function commandFindings(account: BotAccount): readonly Finding[] {
  const { problem } = registration(account);
  return problem === undefined ? [] : [{
    id: "commands:registered",
    what: "Commands",
    status: "warn",
    why: problem,
    fix: "commands work as messages, too; the next start registers them again at the latest",
  }];
}

/** Cancels later tries, and resolves once a running one has ended. */
export async function stopRegistering(account: BotAccount): Promise<void> {
  const { retries, cancel } = registration(account);
  cancel?.();
  await retries.stop();
}

/** Commands that are registered together: for all guilds and direct messages, or for one guild. */
interface CommandScope {
  /** Absent: everywhere. */
  readonly guildId?: GuildId;
  /** Its commands; none clears the scope. */
  readonly commands: readonly RegisteredCommand[];
}

/**
 * The scopes: everywhere, or one guild. A guild that had the commands before is cleared, because
 * its people would see each command twice.
 */
async function wanted(account: BotAccount): Promise<readonly CommandScope[]> {
  const { nativeCommands, commands: { guildId } } = account.config().discord;
  const commands = nativeCommands
    ? [...offeredCommands(account).map(toRegistered), ...MESSAGE_COMMANDS.map(toMessageMenu)]
    : [];
  const before = parseSnowflake<"guild">(await knownGuild(account) ?? "");
  const old: readonly GuildId[] = before && before !== guildId ? [before] : [];
  const cleared = old.map((guildId) => ({ guildId, commands: [] }));
  return guildId === undefined
    ? [{ commands }, ...cleared]
    : [{ commands: [] }, ...cleared, { guildId, commands }];
}

function knownGuild({ accountId, store }: BotAccount): Promise<string | undefined> {
  return store.settings.settingOf(accountId, "account", "commandGuild");
}

/** A scope is registered: its guild must be cleared if the config changes. */
async function keepGuild(account: BotAccount, { guildId, commands }: CommandScope): Promise<void> {
  if (guildId === undefined) return;
  const { accountId, store, now } = account;
  const value = commands.length > 0 ? guildId : undefined;
  const before = await knownGuild(account);
  if (before === value || (value === undefined && before !== guildId)) return;
  await store.settings.change(accountId, "account", "commandGuild", value, now());
}

/** @returns What people miss because Discord refuses it. */
async function compareAll(
  account: BotAccount,
  applicationId: ApplicationId,
): Promise<string | undefined> {
  let found: string | undefined;
  for (const scope of await wanted(account)) {
    try {
      await compare(account, applicationId, scope);
    } catch (error) {
      if (!isFinalRefusal(error)) throw error;
      const reason = textOf(error);
      found = `people do not see the slash commands: ${reason}`;
      account.log.error("Discord refuses the slash commands; the next start tries again", {
        guildId: scope.guildId,
        reason,
      });
    }
  }
  return found;
}

async function compare(
  account: BotAccount,
  applicationId: ApplicationId,
  scope: CommandScope,
): Promise<void> {
  const { listCommands, replaceCommands } = await import(
    "../discord/rest/requests/application_commands.ts"
  );
  const { guildId, commands } = scope;
  const { commands: registered, entryPoint } = await listCommands(
    account.rest,
    applicationId,
    guildId,
  );
  if (!isDeepStrictEqual(inOrder(registered), inOrder(commands))) {
    await replaceCommands(account.rest, applicationId, guildId, { commands, entryPoint });
    const names = new Set(commands.map(({ name }) => name));
    const removed = registered.filter(({ name }) => !names.has(name));
    account.log.info("The slash commands are registered", {
      commands: commands.length,
      ...(guildId !== undefined && { guildId }),
      ...(removed.length > 0 && { removed: namesOf(removed) }),
    });
  }
  await keepGuild(account, scope);
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
