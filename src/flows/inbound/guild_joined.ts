/**
 * Tells the owners that the bot was added to a guild in which its config keeps it silent (P6a): at
 * once about the first one, and about all others of the next ten minutes in one message.
 *
 * The person who added it wonders about the silence, and the owner may not even know the guild. So
 * the owner gets a message with the command that changes it. Barnacle writes nothing in the guild,
 * because any person may add a public bot, to as many guilds as they like.
 */

import type { BotAccount } from "../../account/account.ts";
import { perAccount } from "../../account/per_account.ts";
import { pathTo } from "../../lib/text/quoted.ts";
import { type GuildId, parseSnowflake } from "../../core/discord/ids.ts";
import type { GuildPlace, Named } from "../../core/inbound/inbound.ts";
import { rulesFor } from "../../policy/rules.ts";
import type { AccessPolicy } from "../../policy/rules.ts";
import { nameAsCode } from "../../render/name.ts";
import { isFinalRefusal } from "../../discord/rest/exchange/exchange.ts";
import { reachOwners } from "../owners/tell_owners.ts";
import { createRetryQueue } from "../retry_queue.ts";

/** Milliseconds between two messages. */
const GAP_MS = 10 * 60_000;

/** Maximum number of names in one message. */
const SHOWN_NAMES = 5;

const GUILDS = "channels.discord.guilds";

type JoinedGuild = Named<GuildId> & { readonly hasNamesake?: GuildPlace["hasNamesake"] };

interface GuildNotice {
  readonly guild: Named<GuildId>;
  /** The message about this guild alone. */
  readonly text: string;
}

const stateOf = perAccount("access", (account) => ({
  tasks: createRetryQueue("Cannot tell the bot's owner about a guild", account),
  waiting: new Map<GuildId, GuildNotice>(),
  cancel: undefined as (() => void) | undefined,
}));

/** Discord has just added the bot to a guild. */
export function guildJoined(account: BotAccount, { id, name }: Named<GuildId>): void {
  const { policy } = account.policy();
  const found = closedTo(account.reader.index.get(id) ?? { id, name }, policy);
  if (!found) return;
  const { why } = found;
  const rule = policy.ruleOf(found.rule);
  const command = commandFor(why, rule, pathTo(policy.ruleOf(GUILDS), id));
  account.forPart("access").log.warn(
    "The bot was added to a guild in which the config keeps it silent",
    { guildId: id, guild: name, why, rule, command },
  );
  const text = `I was added to ${nameAsCode(name)} (${id}), but my config (\`${rule}\`) keeps ` +
    `me silent there. To allow it: \`${command}\``;
  const { waiting, tasks } = stateOf(account);
  waiting.set(id, { guild: { id, name }, text });
  tasks.add(() => tell(account));
}

/** Tells no more. */
export async function stopJoined(account: BotAccount): Promise<void> {
  const { cancel, tasks } = stateOf(account);
  cancel?.();
  await tasks.stop();
}

async function tell(account: BotAccount): Promise<void> {
  const state = stateOf(account);
  const due = [...state.waiting.values()];
  const [first, ...others] = due;
  if (state.cancel || !first) return;
  try {
    await reachOwners(account, others.length === 0 ? first.text : textOf(due));
  } catch (error) {
    if (!isFinalRefusal(error)) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    const { log } = account.forPart("access");
    log.error("No owner can be told that the bot stays silent in a guild", { reason });
  }
  for (const { guild } of due) state.waiting.delete(guild.id);
  state.cancel = account.schedule(() => {
    state.cancel = undefined;
    state.tasks.add(() => tell(account));
  }, GAP_MS);
}

function textOf(all: readonly GuildNotice[]): string {
  const names = all.slice(0, SHOWN_NAMES).map(({ guild: { name, id } }) =>
    `${nameAsCode(name)} (${id})`
  ).join(", ");
  const list = all.length > SHOWN_NAMES ? `${names}, …` : names;
  return `I was added to ${all.length} servers in which I stay silent: ${list}. My log has the ` +
    "command that allows each of them.";
}

/** Finds the rule that refuses the guild itself, in every channel; `undefined` if none does. */
function closedTo({ id: guildId, name, hasNamesake }: JoinedGuild, policy: AccessPolicy) {
  const id = parseSnowflake<"channel">(guildId); // the guild's rule decides, whatever its channels allow
  if (!id) return undefined;
  const rules = rulesFor({
    kind: "guild",
    guild: { id: guildId, name },
    channel: { id, name: "" },
    hasNamesake,
  }, policy);
  const isGuilds = rules.kind === "closed" &&
    (rules.why === "guilds-disabled" || rules.why === "guild-not-listed");
  return isGuilds ? rules : undefined;
}

/** The command that lets the bot answer there, and nowhere else. */
function commandFor(why: string, rule: string, path: string): string {
  const list = `barnacle config set ${path} '{}'`;
  // The entry comes first: without one, the list that is switched on might let in every guild.
  return why === "guilds-disabled" ? `${list} && barnacle config set ${rule} allowlist` : list;
}
