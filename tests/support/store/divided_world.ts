/** A world whose guilds are in different partitions (O16): each partition has one with a channel. */

import { type DemoWorld, demoWorld } from "../../../simulator/actions/demo_world.ts";
import { addBot, addChannel, addGuild, addMember } from "../../../simulator/world/create_world.ts";

const FOUNDED_AT = Date.UTC(2026, 0, 1);
/** Snowflakes count from 2015. */
const DISCORD_EPOCH_MS = Date.UTC(2015, 0, 1);

/** Name of the channel in a partition's guild, in which Grace may ask. */
export const channelOf = (partition: number): string => `part-${partition}`;

/** The demo's world with a guild more for each partition. */
export function dividedWorld(
  partitions: number,
  ...limits: Parameters<typeof demoWorld>
): DemoWorld {
  const demo = demoWorld(...limits);
  const { world, barnacle, people } = demo;
  for (let index = 0, at = FOUNDED_AT; index < partitions; at++) {
    if ((at - DISCORD_EPOCH_MS) % partitions !== index) continue;
    const guild = addGuild(world, { name: `Part ${index}`, ownerId: people.ada.id }, at);
    addMember(guild, { userId: people.grace.id, joinedAt: at });
    addBot(world, guild, barnacle, at);
    addChannel(world, guild, { name: channelOf(index) }, at);
    index++;
  }
  return demo;
}
