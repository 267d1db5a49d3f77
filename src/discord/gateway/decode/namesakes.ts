/**
 * Marks guilds that share a name with another guild of the bot.
 *
 * Any person can give a guild any name and invite a public bot. So an entry of the config by name
 * must not open a guild while the name could mean another one, too (P12).
 *
 * @module
 */

import type { GuildId } from "../../../core/discord/ids.ts";
import { slug } from "../../../core/slug.ts";

/** A guild with its mark. */
export interface MarkedGuild {
  /** Current name. */
  readonly name: string;
  /** Set if an entry by name could mean this guild and another one. */
  readonly hasNamesake?: true;
}

/** Marks the guilds anew. Guilds whose mark stays are the same objects as before. */
export function markNamesakes<Guild extends MarkedGuild>(
  index: ReadonlyMap<GuildId, Guild>,
): ReadonlyMap<GuildId, Guild> {
  const counts = new Map<string, number>();
  for (const guild of index.values()) {
    const key = keyOf(guild);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const marked = new Map(index);
  for (const [id, guild] of index) {
    const isShared = (counts.get(keyOf(guild)) ?? 0) > 1;
    if (isShared === (guild.hasNamesake === true)) continue;
    const { hasNamesake: _, ...rest } = guild;
    marked.set(id, { ...rest, ...(isShared && { hasNamesake: true }) } as Guild);
  }
  return marked;
}

/** Whether a change of these guilds may change a mark. */
export function mayChangeMarks<Guild extends MarkedGuild>(
  before: ReadonlyMap<GuildId, Guild>,
  after: ReadonlyMap<GuildId, Guild>,
  changed: Iterable<GuildId>,
): boolean {
  if (before.size !== after.size) return true;
  return Array.from(changed).some((id) => {
    const [old, current] = [before.get(id), after.get(id)];
    return old?.name !== current?.name || old?.hasNamesake !== current?.hasNamesake;
  });
}

/** Guild objects never change, so each key is computed once. */
const keys = new WeakMap<MarkedGuild, string>();

/** Two guilds that one entry could mean by name have the same key. */
function keyOf(guild: MarkedGuild): string {
  let key = keys.get(guild);
  if (key === undefined) keys.set(guild, key = computeKey(guild.name));
  return key;
}

function computeKey(name: string): string {
  return slug(name) || name.trim().toLowerCase().replace(/^#/, "").replace(/\s+/g, "-");
}
