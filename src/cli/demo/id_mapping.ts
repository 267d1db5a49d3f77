/**
 * Maps the ids of the user's own config to people and places of the demo.
 *
 * A config names guilds, channels and people by ids that only exist at Discord. So each of them gets
 * a counterpart in the demo, whose id replaces the other in the bot's config. All rules stay the
 * user's own.
 *
 * @module
 */

import { isPlaceholder } from "../../config/checks/placeholders.ts";
import type { DiscordSettings } from "../../config/schema/root.ts";
import { changeChannel } from "../../../simulator/actions/changes.ts";
import type { DemoWorld } from "../../../simulator/actions/demo_world.ts";
import type { TextChannel } from "../../../simulator/world/world.ts";

/** The counterparts. */
export interface IdMapping {
  /** Ids of the demo, by the id or name in the config. */
  readonly ids: ReadonlyMap<string, string>;
  /** The mapping for people, one line each. */
  readonly notes: readonly string[];
}

type GuildSettings = NonNullable<DiscordSettings["guilds"]>[string];

const ID = /\d{17,20}/;

/**
 * Maps as many ids as the demo has people and places for.
 *
 * @param demo Its channels get the names in the config. The bot must not be connected yet.
 */
export function mapToDemo(discord: DiscordSettings, demo: DemoWorld): IdMapping {
  const ids = new Map<string, string>();
  const notes: string[] = [];
  const map = (from: string, id: string, name: string) => {
    ids.set(from, id);
    notes.push(`${from} is ${name} in the demo`);
  };

  const [guild] = Object.entries(discord.guilds ?? {}).filter(([key]) => key !== "*");
  if (guild) {
    const [key, settings] = guild;
    map(key, demo.krill.id, `the guild ${demo.krill.name}`);
    mapChannels(settings, demo, map);
  }
  mapPeople(peopleOf(discord, guild?.[1]), demo, map);
  return { ids, notes };
}

/** Replaces whole strings of a config, or ids within strings. */
export function replaceIds(text: string, ids: IdMapping["ids"]): string {
  let result = text;
  for (const [from, id] of ids) {
    result = ID.test(from)
      ? result.replaceAll(from, id)
      : result.replaceAll(JSON.stringify(from), JSON.stringify(id));
  }
  return result;
}

type MapId = (from: string, id: string, name: string) => void;

function mapChannels({ channels = {} }: GuildSettings, demo: DemoWorld, map: MapId): void {
  const free: TextChannel[] = [demo.channels.general, demo.channels.help, demo.channels.offTopic];
  const keys = Object.keys(channels).filter((key) => key !== "*");
  for (const key of keys) { // a channel with the same name needs no mapping
    const same = free.findIndex(({ name }) => name === key.replace(/^#/, ""));
    if (same >= 0) free.splice(same, 1);
    else {
      const channel = free.shift();
      if (!channel) return;
      if (ID.test(key) || isPlaceholder(key)) map(key, channel.id, `#${channel.name}`);
      else changeChannel(demo.world, channel, { name: key.replace(/^#/, "") });
    }
  }
}

function mapPeople(entries: readonly string[], demo: DemoWorld, map: MapId): void {
  const { ada, grace, edsger } = demo.people;
  const free = [ada, grace, edsger]; // Mallory stays unknown to the bot
  const known = new Set<string>();
  for (const entry of entries) {
    const id = ID.exec(entry)?.[0] ?? (isPlaceholder(entry) ? entry : undefined);
    if (id === undefined || known.has(id)) continue;
    known.add(id);
    if (entry.startsWith("role:") || entry.startsWith("<@&")) {
      map(id, demo.helpers.id, "the role helpers, which Grace has,");
      continue;
    }
    const person = free.shift();
    if (person) map(id, person.id, person.globalName ?? person.username);
  }
}

/** Entries of all lists, those for direct messages first: these usually include the owner. */
function peopleOf({ dm }: DiscordSettings, guild: GuildSettings | undefined): readonly string[] {
  const channels = Object.values(guild?.channels ?? {});
  return [
    ...dm.allowFrom,
    ...guild?.users ?? [],
    ...channels.flatMap(({ users = [] }) => users),
  ];
}
