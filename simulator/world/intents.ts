/**
 * Gateway intents: the requested and the permitted ones.
 *
 * @see {@link https://docs.discord.com/developers/events/gateway#gateway-intents}
 */

export const INTENT = {
  guilds: 1 << 0,
  guildMembers: 1 << 1,
  guildVoiceStates: 1 << 7,
  guildPresences: 1 << 8,
  guildMessages: 1 << 9,
  guildMessageReactions: 1 << 10,
  guildMessageTyping: 1 << 11,
  directMessages: 1 << 12,
  directMessageReactions: 1 << 13,
  directMessageTyping: 1 << 14,
  messageContent: 1 << 15,
} as const;

/** Bits that a client may set: 0 to 16, 20, 21, 24 and 25. */
const KNOWN_INTENTS = 0x1_ffff | 1 << 20 | 1 << 21 | 1 << 24 | 1 << 25;

/** Intents that the developer portal must switch on. */
export const PRIVILEGED_INTENTS: number = INTENT.guildMembers | INTENT.guildPresences |
  INTENT.messageContent;

/** Whether a number consists of existing intents. */
export function areKnownIntents(intents: number): boolean {
  return Number.isInteger(intents) && intents >= 0 && (intents & ~KNOWN_INTENTS) === 0;
}

/** Whether intents include one that the portal has not switched on. */
export function askTooMuch(intents: number, privileged: number): boolean {
  return (intents & PRIVILEGED_INTENTS & ~privileged) !== 0;
}
