/**
 * Gates of the `discord` tool: the keys of `channels.discord.actions`, which OpenClaw has as well
 * (T3).
 *
 * @module
 */

/** Whether each gate is open by default. */
export const TOOL_GATES = {
  reactions: true,
  stickers: true,
  emojiUploads: true,
  stickerUploads: true,
  polls: true,
  permissions: true,
  messages: true,
  threads: true,
  pins: true,
  search: true,
  memberInfo: true,
  roleInfo: true,
  roles: false,
  channelInfo: true,
  channels: true,
  voiceStatus: true,
  events: true,
  moderation: false,
  presence: false,
} as const satisfies Readonly<Record<string, boolean>>;

/** The name of a gate: a key of `channels.discord.actions`. */
export type ToolGate = keyof typeof TOOL_GATES;

/** The names of all gates. */
export const GATES: readonly ToolGate[] = Object.keys(TOOL_GATES).filter((name): name is ToolGate =>
  name in TOOL_GATES
);

/** The open gates: those that the config opens, or leaves open. */
export function openGates(
  actions: Readonly<Partial<Record<string, boolean>>>,
): readonly ToolGate[] {
  return GATES.filter((gate) => actions[gate] ?? TOOL_GATES[gate]);
}
