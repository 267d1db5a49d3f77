/**
 * Gives the parts of somebody's own config to the people and places of the demo.
 *
 * A config names guilds, channels and people by ids that only exist at Discord.
 * So each of them is played by one of the demo's, and the bot is told the
 * player's id where the config has the other: the rules are the visitor's own.
 *
 * @module
 */

import type { DiscordSettings } from "../../config/schema/root.ts";
import { changeChannel } from "../../../simulator/acts/changes.ts";
import type { DemoWorld } from "../../../simulator/acts/demo_world.ts";
import type { TextChannel } from "../../../simulator/world/world.ts";

export interface IdMapping {
  /** What stands in the config, and what the demo has in its place. */
  readonly ids: ReadonlyMap<string, string>;
  /** Who plays what, line by line. */
  readonly notes: readonly string[];
}

type GuildSettings = NonNullable<DiscordSettings["guilds"]>[string];

const ID = /\d{17,20}/;

/**
 * Finds a player for as many parts as there are; channels take the names that the config has for
 * them.
 *
 * @param demo Its channels are renamed: nobody is connected yet.
 */
export function mapToDemo(discord: DiscordSettings, demo: DemoWorld): IdMapping {
  const ids = new Map<string, string>();
  const notes: string[] = [];
  const play = (part: string, id: string, words: string) => {
    ids.set(part, id);
    notes.push(`${part} is played by ${words}`);
  };

  const [guild] = Object.entries(discord.guilds ?? {}).filter(([key]) => key !== "*");
  if (guild) {
    const [key, settings] = guild;
    play(key, demo.krill.id, `the guild ${demo.krill.name}`);
    castChannels(settings, demo, play);
  }
  castPeople(peopleOf(discord, guild?.[1]), demo, play);
  return { ids, notes };
}

/** Puts the ids in: every part is a whole string of the config, or an id within one. */
export function replaceIds(text: string, ids: IdMapping["ids"]): string {
  let result = text;
  for (const [part, id] of ids) {
    result = ID.test(part)
      ? result.replaceAll(part, id)
      : result.replaceAll(JSON.stringify(part), JSON.stringify(id));
  }
  return result;
}

type Play = (part: string, id: string, words: string) => void;

function castChannels({ channels = {} }: GuildSettings, demo: DemoWorld, play: Play): void {
  const free: TextChannel[] = [demo.channels.general, demo.channels.help, demo.channels.offTopic];
  const parts = Object.keys(channels).filter((key) => key !== "*");
  for (const part of parts) { // one that is called so already plays itself
    const own = free.findIndex(({ name }) => name === part.replace(/^#/, ""));
    if (own >= 0) free.splice(own, 1);
    else {
      const channel = free.shift();
      if (!channel) return;
      if (ID.test(part)) play(part, channel.id, `#${channel.name}`);
      else changeChannel(demo.world, channel, { name: part.replace(/^#/, "") });
    }
  }
}

function castPeople(entries: readonly string[], demo: DemoWorld, play: Play): void {
  const { ada, grace, edsger } = demo.people;
  const free = [ada, grace, edsger]; // Mallory stays a stranger
  const known = new Set<string>();
  for (const entry of entries) {
    const part = ID.exec(entry)?.[0];
    if (part === undefined || known.has(part)) continue;
    known.add(part);
    if (entry.startsWith("role:") || entry.startsWith("<@&")) {
      play(part, demo.helpers.id, "the role helpers, which Grace has");
      continue;
    }
    const person = free.shift();
    if (person) play(part, person.id, person.globalName ?? person.username);
  }
}

/** Everybody on a list, those of direct messages first: who may write there is the owner, as a rule. */
function peopleOf({ dm }: DiscordSettings, guild: GuildSettings | undefined): readonly string[] {
  const channels = Object.values(guild?.channels ?? {});
  return [
    ...dm.allowFrom,
    ...guild?.users ?? [],
    ...channels.flatMap(({ users = [] }) => users),
  ];
}
