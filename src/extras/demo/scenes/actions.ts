/**
 * Scenes about what the agent does: actions on Discord, their rights, and people's decisions.
 *
 * The scripted model calls the tools that a message names in lines such as `call: discord {…}`.
 */

import { demoConfig } from "../simulation/simulation.ts";
import type { Scene, SceneSet } from "./scene.ts";

const call = (tool: string, args: object) => `call: ${tool} ${JSON.stringify(args)}`;

/** The bot's words about its tools in #general. */
function reported({ replies }: Pick<SceneSet, "replies">): string {
  return replies("#general").filter((text) => text.includes("The tools returned")).join("\n");
}

/** Waits until the bot's commands are in Discord's menu. */
async function registered({ simulation: { simulator }, until }: SceneSet): Promise<void> {
  await until("the slash commands", () => simulator.application.commands.length > 0 || undefined);
}

const thread: Scene = {
  name: "the bot opens a thread, because a person asks for one",
  async play({ simulation: { simulator }, ask, until, assert }) {
    const question = ask(
      "grace",
      "#general",
      `please open a thread\n${call("reply_in_thread", { title: "Feeding krill" })}`,
    );
    const opened = await until(
      "a thread",
      () =>
        [...simulator.world.channels.values()].find(({ kind, id }) =>
          kind === "thread" && String(id) === question.id
        ),
    );
    assert(
      "the thread has its title",
      "name" in opened && opened.name === "Feeding krill",
      "name" in opened && opened.name,
    );
    const [answer] = await until("the answer in it", () => {
      const posted = simulator.posted(opened.id);
      return posted.length > 0 ? posted : undefined;
    });
    assert("the answer is in the thread", answer !== undefined);
  },
};

const role: Scene = {
  name: "the bot gives no role for a person who could not give it by hand",
  config: withDiscord({ actions: { roles: true } }),
  async play(set) {
    const { simulation: { simulator }, ask, until, assert } = set;
    simulator.permit({ to: "Barnacle", what: "manageRoles", as: "allowed" });
    const [guild] = simulator.world.guilds.values();
    const helpers = [...guild?.roles.values() ?? []].find(({ name }) => name === "helpers");
    const userId = simulator.user("ada");
    const args = { action: "roleAdd", userId, roleId: helpers?.id };
    ask("grace", "#general", `give Ada a role\n${call("discord", args)}`);
    const answer = await until("the answer", () => reported(set) || undefined);
    assert(
      "a receipt under the answer says that nothing was done, and why",
      /-# ✗ role not added .+: you lack Manage Roles/.test(answer),
      answer,
    );
    assert(
      "the model learned which permission the person lacks",
      answer.includes("Manage Roles"),
      answer,
    );
    const roles = guild?.members.get(userId)?.roles ?? [];
    assert("Ada has no new role", helpers !== undefined && !roles.includes(helpers.id), roles);
  },
};

const command: Scene = {
  name: "a slash command is answered, and only the person who gave it sees that",
  async play(set) {
    const { simulation: { simulator, model }, until, replies, assert } = set;
    await registered(set);
    simulator.command({ as: "grace", in: "#general", name: "status" });
    const told = await until("the answer", () => simulator.ephemeral("grace")[0]);
    assert(
      "it tells the version and the model",
      /^Barnacle .+`.+`/.test(told.content),
      told.content,
    );
    assert("the channel shows nothing", replies("#general").length === 0, replies("#general"));
    assert("the model was not asked", model.requests.length === 0, model.requests.length);
  },
};

const undo: Scene = {
  name: "a person takes back what the bot has changed for them",
  async play(set) {
    const { simulation: { simulator }, ask, until, assert } = set;
    for (const to of ["helpers", "Barnacle"]) {
      simulator.permit({ to, what: "manageChannels", as: "allowed" });
    }
    await registered(set);
    const { id: channelId } = simulator.channel("help");
    const nameNow = () => {
      const channel = simulator.world.channels.get(channelId);
      return channel && "name" in channel ? channel.name : undefined;
    };
    const before = nameNow();
    const change = { action: "channelEdit", channelId, name: "aid" };
    ask("grace", "#general", `rename the channel\n${call("discord", change)}`);
    await until("the answer", () => reported(set) || undefined);
    assert("the channel has its new name", nameNow() === "aid", nameNow());
    simulator.command({ as: "grace", in: "#general", name: "undo" });
    const told = await until("the answer to /undo", () => simulator.ephemeral("grace")[0]);
    assert("the person learns what was undone", told.content.startsWith("Undone"), told.content);
    assert("the channel has its old name", nameNow() === before, nameNow());
  },
};

/** The demo's config with more keys of `channels.discord`. */
function withDiscord(keys: object): object {
  const config = demoConfig();
  const { channels } = config;
  return { ...config, channels: { discord: { ...channels.discord, ...keys } } };
}

export const ACTION_SCENES: readonly Scene[] = [
  thread,
  role,
  command,
  undo,
];
