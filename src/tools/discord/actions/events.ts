/** Actions on scheduled events, behind the gate `events`. */

import { z } from "zod";
import { isVoice } from "../../../core/rights/rights.ts";
import { listed, optional, snowflakeSchema, textOr } from "../../../core/discord/lenient.ts";
import {
  type Action,
  defineAction,
  FIELDS,
  IN_GUILD,
  inGuild,
  jsonLines,
  readResponse,
  withId,
} from "./action.ts";
import { badArguments } from "../../../core/turn/tool.ts";

const { channelId, name, description } = FIELDS;

const eventsSchema = z.lazy(() =>
  listed(z.object({
    id: snowflakeSchema(),
    name: textOr(""),
    description: optional(z.string()),
    scheduled_start_time: textOr(""),
    scheduled_end_time: optional(z.string()),
    channel_id: snowflakeSchema<"channel">().nullish(),
    entity_metadata: optional(z.object({ location: optional(z.string()) })),
    user_count: optional(z.number()),
  }))
);

const time = z.iso.datetime({ offset: true });

/** Discord's number for events that only members see. */
const MEMBERS_ONLY = 2;
const ENTITY = { stage: 1, voice: 2, external: 3 } as const;
const STAGE_CHANNEL = 13;

export const EVENT_ACTIONS: readonly Action[] = [
  defineAction({
    name: "eventList",
    gate: "events",
    rights: "View Channel of an event in a channel",
    isIdempotent: true,
    seenAt: "nowhere",
    reads: "everywhere",
    input: () => z.strictObject(IN_GUILD),
    run: inGuild([], async (place) => {
      const raw = await place.request("GET", `/guilds/${place.guildId}/scheduled-events`, {
        query: { with_user_count: true },
      });
      const events = readResponse(eventsSchema, raw);
      const visible = new Set((await place.channels()).map(({ id }) => id));
      return jsonLines(
        events.filter(({ channel_id: id }) => !id || visible.has(id)).map((event) => ({
          eventId: event.id,
          name: event.name,
          description: event.description ?? undefined,
          startTime: event.scheduled_start_time,
          endTime: event.scheduled_end_time ?? undefined,
          channelId: event.channel_id ?? undefined,
          location: event.entity_metadata?.location ?? undefined,
          interested: event.user_count ?? undefined,
        })),
        "There are no events.",
      );
    }),
  }),
  defineAction({
    name: "eventCreate",
    summary: "times in ISO 8601 with offset; in a voice channel, or at a location with endTime",
    gate: "events",
    rights:
      "Create Events; in a channel also Connect, in a stage also Manage Channels, Mute Members and Move Members",
    isIdempotent: false,
    seenAt: ({ guildId, channelId }) =>
      channelId
        ? { kind: "channel", id: channelId, isListed: true }
        : { kind: "guild", id: guildId },
    input: () =>
      z.strictObject({
        ...IN_GUILD,
        name,
        startTime: time,
        endTime: time.optional(),
        description: description.optional(),
        channelId: channelId.optional(),
        location: z.string().min(1).max(100).optional(),
      }),
    run: ({ guildId, channelId, location, name, startTime, ...fields }, call, discord) => {
      if ((channelId === undefined) === (location === undefined)) {
        throw badArguments("give `channelId` or `location`, and not both");
      }
      if (location !== undefined && fields.endTime === undefined) {
        throw badArguments("an event at a `location` needs `endTime`");
      }
      const needs = channelId === undefined
        ? [{ kind: "in_guild", permission: "Create Events" } as const]
        : [];
      return discord.inGuild(call, { guildId, needs }, async (place) => {
        let type: number = ENTITY.external;
        if (channelId !== undefined) {
          const channel = await place.assertMayIn(channelId, ["Create Events", "Connect"]);
          if (!isVoice(channel)) throw badArguments("`channelId` must be a voice or stage channel");
          type = channel.type === STAGE_CHANNEL ? ENTITY.stage : ENTITY.voice;
          if (type === ENTITY.stage) {
            await place.assertMayIn(channelId, ["Manage Channels", "Mute Members", "Move Members"]);
          }
        }
        const raw = await place.request("POST", `/guilds/${place.guildId}/scheduled-events`, {
          body: {
            name: place.clean(name),
            privacyLevel: MEMBERS_ONLY,
            entityType: type,
            scheduledStartTime: startTime,
            scheduledEndTime: fields.endTime || undefined,
            description: fields.description ? place.clean(fields.description) : undefined,
            channelId: channelId || undefined,
            entityMetadata: location ? { location: place.clean(location) } : undefined,
          },
        });
        const made = readResponse(withId, raw);
        return JSON.stringify({ eventId: made.id });
      });
    },
  }),
];
