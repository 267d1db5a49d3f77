/**
 * An interaction in Discord's JSON, for the gateway.
 *
 * @see {@link
 * https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-object}
 */

import { channelPermissions } from "../world/permissions.ts";
import { type Payload, toChannel, toMember, toMessage, userPayload } from "./payloads.ts";
import {
  type Channel,
  type Interaction,
  type InteractionSubject,
  isPrivate,
  type World,
} from "../world/world.ts";
import type { UserId } from "../../src/core/discord/ids.ts";

const APPLICATION_COMMAND = 2;
const MESSAGE_COMPONENT = 3;
const AUTOCOMPLETE = 4;
const MODAL_SUBMIT = 5;

/** Place of the interaction: a guild, direct messages with the bot, or others. */
const CONTEXT = { guild: 0, dm: 1, group_dm: 2 } as const;

/** Maximum bytes of one file; Discord names it here, because it depends on the place. */
const ATTACHMENT_SIZE_LIMIT = 10 * 1024 * 1024;

/** Permissions in direct messages: files, embeds, mentions and emoji, but no View and no Send. */
const IN_PRIVATE = String(1 << 14 | 1 << 15 | 1 << 17 | 1 << 18);

/** @param botId Bot of the receiving application. */
export function toInteraction(
  world: World,
  { id, token, applicationId, userId, channelId, subject }: Interaction,
  botId: UserId,
): Payload {
  const channel = world.channels.get(channelId);
  return {
    id,
    application_id: applicationId,
    token,
    version: 1,
    ...subjectOf(world, subject, botId),
    channel_id: channelId,
    ...(channel && { channel: toChannel(world, channel, botId) }),
    ...(channel && placeOf(world, channel, userId, botId)),
    ...(subject.kind === "command" && subject.isOwnInstall &&
      { authorizing_integration_owners: { 1: userId } }),
    locale: "en-US",
    entitlements: [],
    entitlement_sku_ids: [],
    attachment_size_limit: ATTACHMENT_SIZE_LIMIT,
  };
}

function subjectOf(world: World, subject: InteractionSubject, botId: UserId): Payload {
  if (subject.kind === "command") {
    const { command: { id, type, name }, options, isTyping, target } = subject;
    return {
      type: isTyping ? AUTOCOMPLETE : APPLICATION_COMMAND,
      data: {
        id,
        type,
        name,
        ...(options.length > 0 && { options }),
        ...(target && {
          target_id: target.id,
          resolved: { messages: { [target.id]: toMessage(world, target, botId) } },
        }),
      },
    };
  }
  const { message } = subject;
  const shown = message && { message: toMessage(world, message, botId) };
  if (subject.kind === "modal") {
    return { type: MODAL_SUBMIT, data: submissionOf(subject), ...shown };
  }
  const { type, custom_id, id } = subject.kind === "button" ? subject.button : subject.menu;
  const data = { component_type: type, custom_id, id };
  return {
    type: MESSAGE_COMPONENT,
    data: subject.kind === "button" ? data : { ...data, values: subject.values },
    ...shown,
  };
}

/** The values of a modal. */
function submissionOf({ modal, values }: Extract<InteractionSubject, { kind: "modal" }>): Payload {
  return {
    custom_id: modal.custom_id,
    components: modal.components.map(({ component: { type, custom_id } }, index) => ({
      type: 18,
      id: index * 2 + 1,
      component: { type, id: index * 2 + 2, custom_id, value: values[custom_id] ?? "" },
    })),
  };
}

/** The acting person: a member with permissions, or a user outside of guilds. */
function placeOf(world: World, channel: Channel, userId: UserId, botId: UserId): Payload {
  if (isPrivate(channel)) {
    return {
      user: userPayload(world, userId),
      context: CONTEXT[channel.kind],
      app_permissions: IN_PRIVATE,
      authorizing_integration_owners: { 0: "0" },
    };
  }
  const { guildId } = channel;
  const member = world.guilds.get(guildId)?.members.get(userId);
  return {
    guild_id: guildId,
    guild: { id: guildId, locale: "en-US", features: [] },
    guild_locale: "en-US",
    ...(member && {
      member: {
        ...toMember(world, member),
        permissions: String(channelPermissions(world, channel, userId)),
      },
    }),
    context: CONTEXT.guild,
    app_permissions: String(channelPermissions(world, channel, botId)),
    authorizing_integration_owners: { 0: guildId },
  };
}
