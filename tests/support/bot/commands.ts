/** A whole account in which people give commands, use components and type options. */

import type { ConfigFile } from "../../../src/core/config_file.ts";
import { snowflakeAt } from "../../../src/core/discord/ids.ts";
import type { DiscordRequest } from "../discord/answers.ts";
import { ADA, BARNACLE, CHANNEL, GUILD, guildData, SELF } from "../discord/payloads.ts";
import { type Given, OWNER, testAccount } from "./test_account.ts";

/** The owner, who gives a command unless a test names another person. */
export const GRACE: typeof ADA = { ...ADA, id: OWNER, username: "grace" };
export { ADA };

const TYPES = { string: 3, number: 4, boolean: 5 };

type Values = Readonly<Record<string, string | number | boolean>>;

interface Use {
  readonly as?: typeof ADA;
  /** By default, direct messages. */
  readonly in?: "guild";
  readonly subcommand?: string;
  /** More fields of INTERACTION_CREATE. */
  readonly fields?: object;
}

/** A config file with these keys, as JSON. A path with `wrong` as its value is refused. */
function fileWith(keys: Record<string, string>): ConfigFile & { readonly keys: typeof keys } {
  return {
    keys,
    get: (path) => Promise.resolve(keys[path]),
    set(path, value) {
      if (value === "wrong") return Promise.resolve("it is no number");
      if (value === undefined) delete keys[path];
      else keys[path] = value;
      return Promise.resolve(undefined);
    },
    closesDms: (_, path, value) =>
      Promise.resolve(path === "channels.discord.dm.policy" && value !== "open"),
    editList(path, edit) {
      if (keys[path] === "wrong") return Promise.resolve({ kind: "failed", problem: "read-only" });
      const written: readonly string[] = JSON.parse(keys[path] ?? "[]");
      const edited = edit(written);
      if (edited) keys[path] = JSON.stringify(edited);
      return Promise.resolve({
        kind: edited ? "changed" : "unchanged",
        entries: edited ?? written,
      });
    },
  };
}

const optionsOf = (values: Values) =>
  Object.entries(values).map(([name, value]) => ({
    type: TYPES[typeof value as keyof typeof TYPES],
    name,
    value,
  }));

const dataOf = (name: string, subcommand: string | undefined, options: object[]) => ({
  type: 1,
  name,
  options: subcommand === undefined ? options : [{ type: 1, name: subcommand, options }],
});

interface Part {
  readonly content?: string;
  readonly components?: readonly {
    readonly custom_id: string;
    readonly placeholder: string;
    readonly options: readonly { readonly label: string; readonly value: string }[];
  }[];
}

/** What a person sees of the last answer. */
function shown(answers: readonly DiscordRequest[]) {
  const { content, components } = answers.at(-1)?.body ?? {};
  const [part] = (components ?? []) as readonly Part[];
  return { text: String(content ?? part?.content ?? ""), menu: part?.components?.[0] };
}

/** @param keys Of the config file. */
export async function commandAccount(given: Given = {}, keys: Record<string, string> = {}) {
  const bot = await testAccount(given);
  const { account, receive, requests } = bot;
  const file = fileWith(keys);
  Object.assign(account.settings, { configFile: file });
  await receive("GUILD_CREATE", guildData());
  let count = 0;

  /** The requests by which the bot answers. */
  async function interact(
    type: number,
    data: object,
    { as = GRACE, in: where, fields }: Use,
  ): Promise<readonly DiscordRequest[]> {
    const from = requests.length;
    const place = where
      ? {
        guild_id: GUILD,
        channel_id: CHANNEL,
        channel: { id: CHANNEL, type: 0, name: "help-desk" },
        member: { user: as, roles: [], permissions: "0" },
      }
      : { channel_id: CHANNEL, channel: { id: CHANNEL, type: 1 }, context: 1, user: as };
    await receive("INTERACTION_CREATE", {
      id: snowflakeAt(bot.clock.now(), ++count),
      application_id: SELF.applicationId,
      type,
      token: "s3cret",
      version: 1,
      ...place,
      data,
      ...fields,
    });
    return requests.slice(from).filter(({ path }) => /^\/(?:webhooks|interactions)\//.test(path));
  }
  const component = (customId: string, { fields = {}, ...use }: Use, data: object) =>
    interact(3, { custom_id: customId, ...data }, {
      ...use,
      fields: { message: { id: "1400000000000000077", content: "", author: BARNACLE }, ...fields },
    });

  return {
    ...bot,
    /** The keys of the config file. */
    keys,
    /** Gives a slash command, and returns the text of its answer, if there is one. */
    slash: async (name: string, values: Values = {}, { subcommand, ...use }: Use = {}) =>
      shown(await interact(2, dataOf(name, subcommand, optionsOf(values)), use)).text,
    /** The same, as Discord shows it. */
    answer: async (name: string, values: Values = {}, use: Use = {}) =>
      shown(await interact(2, dataOf(name, use.subcommand, optionsOf(values)), use)),
    /** Uses a command of the menu of a message. */
    menu: async (name: string, message: { readonly id: string }, use: Use = {}) => {
      const resolved = { messages: { [message.id]: message } };
      const data = { type: 3, name, target_id: message.id, resolved };
      return shown(await interact(2, data, use)).text;
    },
    /** Presses a button, and returns the texts of its answers. */
    press: async (customId: string, use: Use = {}) =>
      (await component(customId, use, { component_type: 2 })).map((one) => shown([one]).text),
    /** Chooses in a menu. */
    choose: async (customId: string, value: string, use: Use = {}) =>
      shown(await component(customId, use, { component_type: 3, values: [value] })),
    /** Submits a form. */
    submit: async (customId: string, text: string, use: Use = {}) => {
      const field = { component: { type: 4, custom_id: "text", value: text } };
      const data = { custom_id: customId, components: [field] };
      return shown(await interact(5, data, use)).text;
    },
    /** Types the last of the values, and returns the suggestions. */
    suggestions: async (name: string, values: Values, { subcommand, ...use }: Use = {}) => {
      const options = optionsOf(values).map((one, at, { length }) =>
        at === length - 1 ? { ...one, focused: true } : one
      );
      const [sent] = await interact(4, dataOf(name, subcommand, options), use);
      const data = sent?.body["data"] as { choices: { name: string; value: string }[] } | undefined;
      return data?.choices;
    },
  };
}
