/**
 * Lists the types of dispatches that the main thread reads.
 *
 * The gateway thread passes on these only. An IDENTIFY needs the list, and not the code that reads
 * them, so the list stands alone.
 *
 * @module
 */

/** Types that change the index of guilds; `apply_dispatch.ts` applies them. */
export const GUILD_TYPES = [
  "READY",
  "GUILD_CREATE",
  "GUILD_UPDATE",
  "GUILD_DELETE",
  "GUILD_ROLE_CREATE",
  "GUILD_ROLE_UPDATE",
  "GUILD_ROLE_DELETE",
  "GUILD_MEMBER_UPDATE",
  "CHANNEL_CREATE",
  "CHANNEL_UPDATE",
  "CHANNEL_DELETE",
  "THREAD_CREATE",
  "THREAD_UPDATE",
  "THREAD_DELETE",
  "THREAD_LIST_SYNC",
] as const;

/** Types that become events; `reader.ts` decodes them. */
export const EVENT_TYPES = [
  "MESSAGE_CREATE",
  "MESSAGE_UPDATE",
  "INTERACTION_CREATE",
  "MESSAGE_DELETE",
  "MESSAGE_DELETE_BULK",
  "THREAD_MEMBERS_UPDATE",
  "MESSAGE_REACTION_ADD",
  "MESSAGE_REACTION_REMOVE",
  "MESSAGE_REACTION_REMOVE_ALL",
  "MESSAGE_REACTION_REMOVE_EMOJI",
] as const;

/** Types of the dispatches that the worker sends to the main thread. */
export const READ_TYPES: readonly string[] = [...GUILD_TYPES, ...EVENT_TYPES];
