/**
 * Decodes who joins and leaves threads. Without the intent for members, Discord tells it of the bot
 * itself only.
 *
 * @see {@link https://docs.discord.com/developers/events/gateway-events#thread-members-update}
 *
 * @module
 */

import { z } from "zod";
import { snowflakeSchema as snowflake } from "../../../core/discord/snowflake_schema.ts";
import type { ThreadMembersChanged } from "../../../core/inbound/events.ts";
import type { DecodeProblem } from "./decode.ts";
import type { Dispatch } from "./payloads.ts";

const payload = z.object({
  id: snowflake<"channel">(),
  added_members: z.array(z.object({ user_id: snowflake<"user">() })).default([]),
  removed_member_ids: z.array(snowflake<"user">()).default([]),
});

/** Decodes a THREAD_MEMBERS_UPDATE. */
export function decodeThreadMembers({ d }: Dispatch): ThreadMembersChanged | DecodeProblem {
  const parsed = payload.safeParse(d);
  if (!parsed.success) return { kind: "problem", why: "members of a thread do not fit" };
  const { id: threadId, added_members, removed_member_ids: left } = parsed.data;
  const joined = added_members.map(({ user_id }) => user_id);
  return { kind: "thread_members_changed", threadId, joined, left };
}
