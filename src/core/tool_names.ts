/**
 * Names of tools as the config may write them: single names, groups, and `"*"` (T2).
 *
 * Each tool declares its group and who has it by default; the config reads a generated list of them
 * without loading the tools. By default, no one has a tool that is not on the list.
 *
 * Gates are the keys of `channels.discord.actions`, which OpenClaw has as well (T3).
 */

import { NAMED_TOOLS } from "./named_tools.ts";

const GROUPS = ["group:discord", "group:fs", "group:web", "group:memory", "group:mcp"] as const;

/** Who has a tool by default, and the group by which the config may name it. */
export interface NamedTool {
  /** Whether only owners have it by default; absent: everyone has it. */
  readonly isForOwners?: true;
  /** Absent: no group has it. */
  readonly group?: (typeof GROUPS)[number];
}

const TOOLS: ReadonlyMap<string, NamedTool> = new Map(Object.entries(NAMED_TOOLS));

/** MCP servers, skills, and their tools: `mcp__github__list_issues`, `skill__home__lights`. */
const OUTER_NAME = /^(?:mcp|skill)__[\w-]+$/;
const MCP: NamedTool = { isForOwners: true, group: "group:mcp" };
const OF_SKILLS: NamedTool = { isForOwners: true };

/** All names that the config may write, apart from those of tools of MCP servers and skills. */
export const TOOL_ENTRIES: readonly string[] = ["*", ...GROUPS, ...TOOLS.keys()];

/** Whether the config may write an entry. Another one matches no tool. */
export function isToolEntry(entry: string): boolean {
  return TOOL_ENTRIES.includes(entry) || isOuter(entry);
}

/** Who has a tool by default; `undefined`: no one, as no tool has the name. */
export function audienceOf(tool: string): "everyone" | "owners" | undefined {
  const found = named(tool);
  return found && (found.isForOwners ? "owners" : "everyone");
}

export function isForTool(entry: string, tool: string): boolean {
  if (entry === "*" || entry === tool || entry === named(tool)?.group) return true;
  return isOuter(entry) && tool.startsWith(`${entry}__`);
}

/** The tools of an entry that only owners have by default; for `"*"` and groups, all of them. */
export function ownerToolsOf(entry: string): readonly string[] {
  if (entry === "group:mcp" || isOuter(entry)) return [entry];
  const tools = [...TOOLS.keys()].filter((tool) => isForTool(entry, tool));
  const own = tools.filter((tool) => audienceOf(tool) === "owners");
  return entry === "*" ? [...own, "group:mcp"] : own;
}

function isOuter(name: string): boolean {
  return OUTER_NAME.test(name);
}

function named(tool: string): NamedTool | undefined {
  if (!isOuter(tool)) return TOOLS.get(tool);
  return tool.startsWith("mcp__") ? MCP : OF_SKILLS;
}

/** Whether each gate is open by default, and the actions that it permits, as the end of a sentence. */
export const TOOL_GATES = {
  reactions: { isOpen: true, permits: "add, remove and list reactions" },
  stickers: { isOpen: true, permits: "send stickers" },
  emojiUploads: { isOpen: true, permits: "upload emojis to a guild" },
  stickerUploads: { isOpen: true, permits: "upload stickers to a guild" },
  polls: { isOpen: true, permits: "send polls" },
  permissions: { isOpen: true, permits: "read permissions in a channel" },
  messages: { isOpen: true, permits: "read, send, edit and delete messages" },
  threads: { isOpen: true, permits: "create and list threads, and reply in them" },
  pins: { isOpen: true, permits: "pin, unpin and list messages" },
  search: { isOpen: true, permits: "search messages" },
  memberInfo: { isOpen: true, permits: "read the profiles of members" },
  roleInfo: { isOpen: true, permits: "read the roles of a guild" },
  roles: { isOpen: false, permits: "give roles to members and take them away" },
  channelInfo: { isOpen: true, permits: "read and list channels" },
  channels: { isOpen: true, permits: "create, change, move and delete channels" },
  voiceStatus: { isOpen: true, permits: "read who is in a voice channel" },
  events: { isOpen: true, permits: "list and create events" },
  moderation: { isOpen: false, permits: "time out, kick and ban members" },
  presence: { isOpen: false, permits: "change the bot's status and activity" },
} as const satisfies Readonly<
  Record<string, { readonly isOpen: boolean; readonly permits: string }>
>;

/** The name of a gate: a key of `channels.discord.actions`. */
export type ToolGate = keyof typeof TOOL_GATES;

export const GATES: readonly ToolGate[] = Object.keys(TOOL_GATES).filter((name): name is ToolGate =>
  name in TOOL_GATES
);

/** The open gates: those that the config opens, or leaves open. */
export function openGates(
  actions: Readonly<Partial<Record<string, boolean>>>,
): readonly ToolGate[] {
  return GATES.filter((gate) => actions[gate] ?? TOOL_GATES[gate].isOpen);
}
