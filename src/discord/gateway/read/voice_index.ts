/**
 * Keeps who is in the voice channels of each guild, and passes on the moves and servers that the bot's
 * own calls need.
 *
 * Only a new session tells all of them, and the store has none. So a session that a new process has
 * resumed is replaced by a new one.
 */

import { z } from "zod";
import { type GuildId, readSnowflake, type UserId } from "../../../core/discord/ids.ts";
import {
  closingFlag,
  createChecker,
  listOf,
  optional,
  snowflakeSchema as snowflake,
} from "../../../core/discord/lenient.ts";
import type { VoiceMember, VoiceMove, VoiceServer } from "../../../core/discord/gateway.ts";
import { isRecord } from "../../../lib/text/quoted.ts";
import type { Dispatch } from "../decode/guild_index.ts";

const member = z.object({
  user: z.object({ id: snowflake<"user">(), bot: closingFlag }),
  roles: listOf(snowflake<"role">()),
});
const state = z.object({
  channel_id: snowflake<"channel">().nullish(),
  user_id: snowflake<"user">(),
  session_id: z.string(),
  member: optional(member),
  mute: closingFlag,
  self_mute: closingFlag,
  suppress: closingFlag,
});
const inGuild = { guild_id: snowflake<"guild">() };

const checkGuild = createChecker(z.lazy(() =>
  z.object({
    id: snowflake<"guild">(),
    unavailable: z.boolean().nullish(),
    members: listOf(member),
    voice_states: listOf(state),
  })
));
const checkState = createChecker(state.extend(inGuild));
const checkServer = createChecker(
  z.object({ ...inGuild, token: z.string(), endpoint: z.string().nullish() }),
);

export interface VoiceListener {
  moved(move: VoiceMove): void;
  server(server: VoiceServer): void;
  /** All states of a guild are new, as after a new session; those of the bot itself may be gone. */
  renewed(guildId: GuildId): void;
}

/** @param renew Begins a new session, which tells all states. */
export function createVoiceIndex(renew: () => void) {
  const guilds = new Map<GuildId, Map<UserId, VoiceMember>>();
  const changed: ((guildId: GuildId) => void)[] = [];
  const listeners: VoiceListener[] = [];
  /** Whether a session began in this process, or was asked for. */
  let isWhole = false;

  function put(guildId: GuildId, told: z.infer<typeof state>, isBot: boolean): void {
    const { user_id: userId, channel_id: channelId } = told;
    const members = guilds.get(guildId) ?? new Map<UserId, VoiceMember>();
    members.delete(userId);
    if (channelId) {
      members.set(userId, {
        userId,
        channelId,
        isBot,
        isMuted: Boolean(told.mute || told.self_mute || told.suppress),
        roles: told.member?.roles,
      });
    }
    if (members.size > 0) guilds.set(guildId, members);
    else guilds.delete(guildId);
  }

  function tellChange(guildId: GuildId): void {
    for (const tell of changed) tell(guildId);
  }

  function renewed(d: unknown): void {
    const guild = checkGuild(d).data;
    if (!guild || guild.unavailable) return;
    guilds.delete(guild.id);
    const bots = new Set(guild.members?.flatMap(({ user }) => user.bot ? [user.id] : []));
    for (const told of guild.voice_states ?? []) put(guild.id, told, bots.has(told.user_id));
    for (const listener of listeners) listener.renewed(guild.id);
    tellChange(guild.id);
  }

  function moved(d: unknown): void {
    const told = checkState(d).data;
    if (!told) return;
    const { guild_id: guildId, user_id: userId, channel_id: channelId } = told;
    const known = guilds.get(guildId)?.get(userId);
    put(guildId, told, told.member?.user.bot ?? known?.isBot ?? false);
    const move = { guildId, userId, channelId: channelId ?? undefined, sessionId: told.session_id };
    for (const listener of listeners) listener.moved(move);
    tellChange(guildId);
  }

  return {
    /** Reads a dispatch; others than those about guilds and voice change nothing. */
    apply({ t, d }: Dispatch): void {
      switch (t) {
        case "READY":
          isWhole = true; // its guilds follow
          return;
        case "GUILD_CREATE":
          return renewed(d);
        case "GUILD_DELETE": {
          const guildId = isRecord(d) ? readSnowflake<"guild">(d["id"]) : undefined;
          if (guildId && guilds.delete(guildId)) tellChange(guildId);
          return;
        }
        case "VOICE_STATE_UPDATE":
          return moved(d);
        case "VOICE_SERVER_UPDATE": {
          const server = checkServer(d).data;
          if (!server) return;
          const { guild_id: guildId, token, endpoint } = server;
          for (const listener of listeners) {
            listener.server({ guildId, token, endpoint: endpoint || undefined });
          }
        }
      }
    },
    wasRead(): void {
      if (isWhole) return;
      isWhole = true;
      renew();
    },
    of: (guildId: GuildId): readonly VoiceMember[] => [...guilds.get(guildId)?.values() ?? []],
    onChange: (listener: (guildId: GuildId) => void): void => void changed.push(listener),
    listen: (listener: VoiceListener): void => void listeners.push(listener),
  };
}

export type VoiceIndex = ReturnType<typeof createVoiceIndex>;
