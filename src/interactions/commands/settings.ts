/**
 * `/settings`: shows and chooses the settings of a conversation, of a place, and of the bot (K2).
 *
 * The store has those of conversations and places: an entry for a channel in the config file could
 * close other channels. Those of the bot are keys of the config file, so a change needs the same
 * permission as `/config set`.
 */

import type { BotAccount } from "../../account/account.ts";
import { type ChosenSetting, THINK_LEVELS } from "../../core/config_file.ts";
import type { CommandCall } from "../../core/inbound/inbound.ts";
import type { Menu } from "../../core/outbound/outbound.ts";
import { bounded } from "../../lib/text/quoted.ts";
import { NOT_AUTHORIZED } from "../../render/sentences.ts";
import {
  type AnswerParts,
  type Choice,
  choicesFor,
  type Command,
  type Component,
  partsOf,
} from "../base/command.ts";
import { agentLine } from "./about.ts";
import { ANYWAY, CLOSES_DMS, setKey } from "./config.ts";

const facts = () => import("../../flows/interactions/conversations.ts");

interface Setting {
  readonly name: string;
  readonly description: string;
  readonly needs: "session" | "owner";
  /** The value that counts there. */
  readonly of: (call: CommandCall, account: BotAccount) => Promise<string>;
  readonly choices: (account: BotAccount) => readonly Choice[] | Promise<readonly Choice[]>;
  /** Whether a person may give another value than the choices. */
  readonly isFree?: true;
  /** @returns Why nothing has changed; `undefined` if the value counts. */
  readonly choose: (
    call: CommandCall,
    account: BotAccount,
    value: string,
    isSure: boolean,
  ) => Promise<string | undefined>;
  /** A sentence below the answer. */
  readonly remark?: (call: CommandCall, account: BotAccount) => Promise<string | undefined>;
}

/** The value that removes the choice of a person. */
const DEFAULT = "default";
const AS_CONFIG: Choice = { name: "default: as my config says", value: DEFAULT };
const valueChoice = (value: string): Choice => ({ name: value, value });

/** Ids of all models, as `"<provider>/<model>"`; the config's first one first. */
function modelIds({ settings: { models, choices } }: BotAccount): readonly string[] {
  return [...new Set([...models.ids, ...choices?.ids ?? []])];
}

const model: Setting = {
  ...inStore("model", "session", "The model of this conversation", DEFAULT, []),
  of: async (call, account) => (await facts()).modelHere(account, call).id,
  choices: (account) => [...modelIds(account).map(valueChoice), AS_CONFIG],
};

const think: Setting = {
  ...inStore("think", "session", "How long my model thinks here", DEFAULT, [
    ...THINK_LEVELS.map(valueChoice),
    { name: "default: as the model does by itself", value: DEFAULT },
  ]),
  /** Only a server's words tell whether its model takes a level, so a refused one is remembered. */
  async remark(call, account) {
    const { chosenValue, modelHere } = await facts();
    const chosen = chosenValue(account, call, "think");
    const level = THINK_LEVELS.find((one) => one === chosen);
    const { id, refusedThinking } = modelHere(account, call);
    if (level === undefined) return undefined;
    return refusedThinking?.has(level)
      ? `The server of \`${id}\` has refused the level \`${level}\`, so it has no effect.`
      : `If the server of \`${id}\` refuses it, I answer without it, and \`/settings think\` says so.`;
  },
};

/** For a channel with its threads, or for a thread. */
const OF_MENTIONS = inStore("activation", "owner", "Whether I need a mention here", DEFAULT, [
  { name: "mention: only if a message mentions me", value: "mention" },
  { name: "always: each message of people who may talk to me", value: "always" },
  AS_CONFIG,
]);

const BUDGETS = "budgets.total";
const MODEL = "agents.defaults.model";

/** The limit of the whole bot that the config sets; without one, that of tokens a day. */
async function budgetPath({ settings }: BotAccount): Promise<string> {
  const limits: object = JSON.parse(await settings.configFile?.get(BUDGETS) ?? "{}");
  return `${BUDGETS}.${Object.keys(limits)[0] ?? "tokensPerDay"}`;
}

/** All settings, in the order of the answer. */
const SETTINGS: readonly Setting[] = [
  model,
  think,
  inStore("reasoning", "session", "Whether everyone here sees my model's thinking", "off", [
    { name: "on: everyone here sees it", value: "on" },
    { name: "off", value: "off" },
  ]),
  inStore("verbose", "session", "Whether everyone here sees the tools that I used", "off", [
    { name: "on: everyone here sees their names", value: "on" },
    { name: "off", value: "off" },
  ]),
  inStore("queue", "session", "What I do with messages during my work", DEFAULT, [
    { name: "collect: answer all of them at once, later", value: "collect" },
    { name: "steer: see them at my next step", value: "steer" },
    { name: "followup: answer each of them, later", value: "followup" },
    { name: "interrupt: stop, and answer them instead", value: "interrupt" },
    AS_CONFIG,
  ]),
  {
    ...OF_MENTIONS,
    choose: async (call, ...given) =>
      call.place.kind === "guild"
        ? await OF_MENTIONS.choose(call, ...given)
        : "`activation` works in servers only: elsewhere, I need no mention.",
  },
  // For a channel with its threads, for a thread, or for direct messages with a person. Messages
  // there are account for later answers. Commands work, so that `/settings send on` does.
  inStore("send", "owner", "Whether I answer in this channel", "inherit", [
    { name: "on: also in a thread whose channel is off", value: "on" },
    { name: "off: answer nothing but commands", value: "off" },
    { name: "inherit: a thread as its channel, others on", value: "inherit" },
  ]),
  inConfig("direct-messages", "Who may write me direct messages", "channels.discord.dm.policy", [
    { name: "pairing: people on my list, and those you let in", value: "pairing" },
    { name: "allowlist: people on my list", value: "allowlist" },
    { name: "open: everyone on my list, which may be all", value: "open" },
    { name: "disabled: no one, nor you", value: "disabled" },
  ]),
  {
    ...inConfig(
      "default-model",
      "The model of conversations without one of their own",
      async ({ settings }) =>
        (await settings.configFile?.get(MODEL))?.startsWith("{") ? `${MODEL}.primary` : MODEL,
    ),
    choices: (account) => modelIds(account).map(valueChoice),
  },
  {
    ...inConfig("budget", "The limit of the whole bot", budgetPath),
    isFree: true,
    async choices(account) {
      const path = await budgetPath(account);
      const now = Number(await account.settings.configFile?.get(path) ?? 0);
      const numbers = now > 0 ? [now / 2, now * 2] : [100_000, 1_000_000];
      return [...numbers.map(String).map(valueChoice), { name: "none: no limit", value: UNSET }];
    },
  },
];

/** A setting of a conversation or a place. @param unset The value that removes the choice. */
function inStore(
  name: ChosenSetting | "model",
  needs: Setting["needs"],
  description: string,
  unset: string,
  choices: readonly Choice[],
): Setting {
  return {
    name,
    description,
    needs,
    choices: () => choices,
    of: async (call, account) => (await facts()).chosenValue(account, call, name) ?? unset,
    async choose(call, account, value) {
      const { chooseValue } = await facts();
      await chooseValue(account, call, name, value === unset ? undefined : value);
      return undefined;
    },
  };
}

/** The value that removes a key of the config. */
const UNSET = "none";

/** A setting of the bot: a key of its config file. */
function inConfig(
  name: string,
  description: string,
  path: string | ((account: BotAccount) => Promise<string>),
  choices: readonly Choice[] = [],
): Setting {
  const pathIn = (account: BotAccount) => typeof path === "string" ? path : path(account);
  return {
    name,
    description,
    needs: "owner",
    async of(_, account) {
      const value = await account.settings.configFile?.get(await pathIn(account));
      return value === undefined ? UNSET : bounded(value.replaceAll('"', ""), 80);
    },
    choices: () => choices,
    async choose(call, account, value, isSure) {
      const given = value === UNSET ? undefined : value;
      const problem = await setKey(account, call, await pathIn(account), given, isSure);
      return problem && problem !== CLOSES_DMS
        ? `Nothing has changed: ${bounded(problem, 1_000)}`
        : problem;
    },
    async remark(_, account) {
      return `It is the key \`${await pathIn(account)}\` of my config.`;
    },
  };
}

/** Shows all settings, or one, and chooses a value. */
export const settings: Command = {
  name: "settings",
  description: "Show or choose my settings here",
  options: [
    {
      name: "name",
      description: "The setting; without it, all are listed",
      type: "text",
      choices: SETTINGS.map(({ name, description }) => ({
        name: `${name}: ${description}`,
        value: name,
      })),
    },
    {
      name: "value",
      description: "Its new value; without it, you see the present one",
      type: "text",
      async suggest(typing, account) {
        const setting = await settingFor(typing, typing.options["name"], account);
        if (typeof setting === "string") return [];
        return choicesFor(typing.typed.text, await setting.choices(account));
      },
    },
  ],
  needs: "session",
  async run(call, account) {
    const { name: named, value: given } = call.options;
    if (named === undefined) return await listed(call, account);
    const setting = await settingFor(call, named, account);
    if (typeof setting === "string") return setting;
    const { name, isFree, remark } = setting;
    const choices = await setting.choices(account);
    const names = choices.slice(0, MAX_OPTIONS).map(({ value }) => `\`${bounded(value, 60)}\``)
      .join(", ");
    const remarked = async (text: string) =>
      [text, await remark?.(call, account) ?? ""].join("\n").trimEnd();
    if (typeof given !== "string") {
      const now = await setting.of(call, account);
      return {
        text: await remarked(
          `\`${name}\` is \`${now}\` here. To change it, choose one of: ${names}`,
        ),
        menu: choices.length > 0 ? menuWith(name, `${name} is ${now}`, choices) : undefined,
      };
    }
    const isSure = given.trimEnd().endsWith(ANYWAY);
    const wanted = (isSure ? given.trimEnd().slice(0, -ANYWAY.length) : given).trim();
    const known = choices.find(({ value }) => value.toLowerCase() === wanted.toLowerCase());
    if (!known && !isFree) return `\`${name}\` takes one of: ${names}`;
    const value = known?.value ?? wanted;
    const problem = await setting.choose(call, account, value, isSure);
    if (problem === CLOSES_DMS) {
      const sure = value + ANYWAY;
      return {
        text: `${problem}\nTo do it: \`/${settings.name} ${name} ${sure}\``,
        menu: menuWith(name, `${value}?`, [valueChoice(sure)]),
      };
    }
    if (problem !== undefined) return problem;
    account.log.info("A person changed a setting", {
      interactionId: call.id,
      channelId: call.channelId,
      by: call.sender.id,
      setting: name,
      value,
    });
    return await remarked(`\`${name}\` is \`${value}\` here from now on.`);
  },
};

/** The menus below the answers: the first one chooses a setting, the second one its value. */
export const settingsMenu: Component = {
  kind: "select",
  name: settings.name,
  needs: "session",
  async run(selection, account) {
    const name = selection.customId.slice(settings.name.length + 1);
    const [chosen = ""] = selection.values;
    const options: CommandCall["options"] = name === ""
      ? { name: chosen }
      : { name, value: chosen };
    const call = { ...selection, name: settings.name, options };
    const { text, menu } = partsOf(await settings.run(call, account));
    return { how: "update", text, menu };
  },
};

async function isOwner(account: BotAccount, call: CommandCall): Promise<boolean> {
  const { mayUse } = await import("../../flows/interactions/may_use.ts");
  return await mayUse(account, call, "owner");
}

/** @returns A text for the person, if there is no such setting for them. */
async function settingFor(
  call: CommandCall,
  name: unknown,
  account: BotAccount,
): Promise<Setting | string> {
  const setting = SETTINGS.find((one) => one.name === name);
  if (!setting) return "I have no such setting.";
  return setting.needs === "session" || await isOwner(account, call) ? setting : NOT_AUTHORIZED;
}

/** The settings that the person may choose, with their values; in a channel, not those of the bot. */
async function listed(call: CommandCall, account: BotAccount): Promise<AnswerParts> {
  const isForAll = call.isText && call.place.kind !== "dm";
  const mayAll = !isForAll && await isOwner(account, call);
  const own = SETTINGS.filter(({ needs }) => needs === "session" || mayAll);
  const values = await Promise.all(own.map(async (one) => ({
    ...one,
    value: await one.of(call, account),
  })));
  const { agentHere } = await facts();
  return {
    text: [
      ...agentLine(agentHere(account, call)),
      ...values.map(({ name, description, value }) => `\`${name}\` ${description}: \`${value}\``),
      "To change one: `/settings <name> <value>`",
    ].join("\n"),
    menu: menuWith(
      "",
      "Change a setting",
      values.map(({ name, value }) => ({ name: `${name}: ${value}`, value: name })),
    ),
  };
}

/** Maximum number of options of a menu at Discord. */
const MAX_OPTIONS = 25;

function menuWith(name: string, placeholder: string, choices: readonly Choice[]): Menu {
  return {
    customId: `${settings.name}:${name}`,
    placeholder: bounded(placeholder, 150),
    max: 1,
    options: choicesFor("", choices).map(({ name, value }) => ({ label: name, value })),
  };
}
