/** The first chapter of a setup: the token, the bot that it belongs to, and its intents. */

import { BOT_TOKEN } from "../../config/schema/accounts.ts";
import { botToken, envText, Secret } from "../../config/schema/parts/secrets.ts";
import { shapeOfToken, type TokenShape } from "../../core/discord/ids.ts";
import {
  chooseIntents,
  flagsGranting,
  type PrivilegedIntent,
  toIntents,
} from "../../discord/gateway/read/intents.ts";
import type { Env } from "../../lib/env.ts";
import type { BotIdentity, SetupContext, SetupState } from "./answers.ts";
import { askDiscord, enableIntents, whoAmI } from "./discord.ts";

const PORTAL = "https://discord.com/developers/applications";

function botPage(applicationId: string): string {
  return `${PORTAL}/${applicationId}/bot`;
}

const NO_TOKENS: ReadonlySet<TokenShape> = new Set<TokenShape>(["webhook URL", "user token"]);

/** Why a text cannot be a bot token; `undefined` if only Discord can tell. */
export function tokenFault(typed: string, env: Env): string | undefined {
  if (typed.trim() === "") return "No text came. Copy the token again, and paste it here.";
  const token = withoutWrapping(typed);
  // Another server in Discord's place may have tokens of other forms, but none like these.
  const isForeign = NO_TOKENS.has(shapeOfToken(token));
  const found = botToken(new Secret(token), isForeign ? {} : env);
  if (found instanceof Secret) return undefined;
  return `${found.why}: ${found.hint}.`;
}

/** The token without quotes, the name of its variable, and the word Bot. */
function withoutWrapping(typed: string): string {
  return typed.trim().replace(/^(?:export\s+)?DISCORD_BOT_TOKEN\s*=\s*/i, "")
    .replace(/^(["'`])(.*)\1$/s, "$2").trim()
    .replace(/^Bot(?:\s+|$)/i, "").trim();
}

/** Asks for the token until Discord accepts one. */
export async function askToken(state: SetupState, setup: SetupContext): Promise<SetupState> {
  const { dialogue, present, io: { env } } = setup;
  let token = present.token ?? envText(env, BOT_TOKEN);
  const problem = token === undefined ? undefined : tokenFault(token, env);
  if (problem !== undefined) {
    dialogue.fail(`DISCORD_BOT_TOKEN: ${problem}`);
    token = undefined;
  }
  if (token === undefined) {
    dialogue.tell(`Open ${PORTAL}\nNew Application -> Bot -> Reset Token -> Copy`);
  } else dialogue.ok(`Token from ${present.token ? "the config" : BOT_TOKEN}`);
  for (;;) {
    token ??= await dialogue.secret({
      message: "Paste the bot token (not shown)",
      check: (typed) => tokenFault(typed, env),
    });
    token = withoutWrapping(token);
    const asked: SetupState = { ...state, token };
    const answer = await askDiscord(setup, asked, whoAmI);
    if (answer.kind === "answered") {
      dialogue.ok(identityText(answer.found));
      return { ...asked, bot: answer.found };
    }
    const why = answer.kind === "refused"
      ? refusedToken(token)
      : `Discord does not answer: ${answer.why}`;
    dialogue.fail(why);
    const isKept = answer.kind !== "refused" &&
      await dialogue.confirm({ message: "Try again with this token?" });
    if (!isKept) token = undefined;
  }
}

/** Discord says no more than 401, so the form of the text has to tell. */
function refusedToken(token: string): string {
  return shapeOfToken(token) === "token"
    ? "Discord does not accept this token: it was reset, a character is missing, or it is the token " +
      "of a user account, which no program may use. Press Reset Token, and copy the new one."
    : "Discord does not accept this text, and it does not look like a bot token, which has three " +
      "parts with dots between them. Press Reset Token, and copy the whole token.";
}

function identityText({ name, applicationId, owners, team }: BotIdentity): string {
  const [owner] = owners;
  const whose = team === undefined
    ? owner === undefined ? "" : `, owner @${owner.name}`
    : `, team ${team}`;
  return `Bot ${name}, application ${applicationId}${whose}`;
}

/** Waits until the user has cleared a box of the portal that makes every invite fail. */
export async function askCodeGrant(state: SetupState, setup: SetupContext): Promise<SetupState> {
  const { dialogue } = setup;
  const id = state.bot?.applicationId ?? "";
  dialogue.warn(
    `"Requires OAuth2 Code Grant" is on, so every invite fails. Clear it at ${botPage(id)}`,
  );
  await dialogue.confirm({ message: "Is it off now?" });
  return await withIdentity(state, setup);
}

/** The same answers, with the application as it is now. */
async function withIdentity(state: SetupState, setup: SetupContext): Promise<SetupState> {
  const answer = await askDiscord(setup, state, whoAmI);
  if (answer.kind === "answered") return { ...state, bot: answer.found };
  setup.dialogue.fail("Discord does not answer; trying again");
  return state;
}

const INTENT_WORDS: Readonly<Record<PrivilegedIntent, readonly [name: string, use: string]>> = {
  message_content: ["Message Content", "to read messages that do not mention the bot"],
  guild_members: ["Server Members", "to find people by their names"],
  guild_presences: ["Presence", "to see who is online"],
};

/** Enables the intents of the default config that are off, after a yes. */
export async function askIntents(state: SetupState, setup: SetupContext): Promise<SetupState> {
  const { dialogue } = setup;
  const { bot } = state;
  const settled: SetupState = { ...state, intents: "settled" };
  if (!bot) return settled;
  const { missing, spared } = chooseIntents(toIntents("agent_recommended"), bot.flags);
  const wanted = [...missing, ...spared];
  if (wanted.length === 0) {
    dialogue.ok("Message Content and Server Members are on");
    return settled;
  }
  const names = wanted.map((intent) => INTENT_WORDS[intent][0]).join(" and ");
  for (const intent of wanted) {
    dialogue.warn(`${INTENT_WORDS[intent][0]} is off: needed ${INTENT_WORDS[intent][1]}`);
  }
  const isAllowed = await dialogue.confirm({
    message: `Turn ${names} on now, through Discord's API?`,
  });
  if (!isAllowed) {
    dialogue.tell(`Unchanged. Later: ${botPage(bot.applicationId)}, or \`barnacle doctor --fix\``);
    return settled;
  }
  const flags = flagsGranting(wanted, bot.flags);
  const problem = await askDiscord(setup, state, (api) => enableIntents(api, flags));
  if (problem === undefined) {
    dialogue.ok(`${names}: on`);
    return { ...settled, bot: { ...bot, flags: bot.flags | flags } };
  }
  dialogue.warn(`Discord refused (${problem}). Tick them at ${botPage(bot.applicationId)}`);
  return settled;
}
