/** Reads what Discord still tells of a time away, in the forms of the gateway (W7). */

import { isRefused } from "../../flows/event_places.ts";
import type { Config } from "../../config/config.ts";
import type { GuildId } from "../../core/discord/ids.ts";
import type { Dispatch } from "../../discord/gateway/decode/payloads.ts";
import type { RestApi } from "../../discord/rest/client/client.ts";
import { isRecord } from "../../lib/text/json.ts";

export type EventEntry = Config["serverEvents"][string];

/** The lists by event. Pins and reactions have none. */
const LISTS: readonly (readonly [event: string, path: string, type: string])[] = [
  ["member_join", "/members?limit=1000", "GUILD_MEMBER_ADD"],
  ["boost", "/members?limit=1000", "GUILD_MEMBER_UPDATE"],
  ["role_given", "/audit-logs?action_type=25&limit=100", "GUILD_AUDIT_LOG_ENTRY_CREATE"],
  ["forum_post", "/threads/active", "THREAD_CREATE"],
  ["event_started", "/scheduled-events", "GUILD_SCHEDULED_EVENT_UPDATE"],
];
const PAGE = 1_000;
/** Maximum pages of members, which Discord lists in the order of their accounts. */
const PAGES_MAX = 25;

/**
 * Yields the dispatches of each page.
 *
 * @throws {RestError} If Discord does not answer; a refusal of a list goes to `refused`.
 */
export async function* missedDispatches(
  client: RestApi,
  guildId: GuildId,
  entries: readonly EventEntry[],
  refused: (error: unknown) => void,
): AsyncGenerator<readonly Dispatch[]> {
  const lists = LISTS.filter(([event]) => entries.some((entry) => entry.event === event))
    .map(([, path, t]) => [`/guilds/${guildId}${path}`, t] as const);
  const closed = entries.filter(({ event }) => event === "thread_closed")
    .flatMap(({ where = [] }) => where.flatMap((place) => place.split("channel:")[1] ?? []))
    .map((id) => [`/channels/${id}/threads/archived/public?limit=100`, "THREAD_UPDATE"] as const);
  for (const [path, t] of [...lists, ...closed]) {
    for (let page = 0, after = ""; page < PAGES_MAX; page++) {
      const answer = await client.request("GET", path + after, { priority: "background" })
        .catch((error: unknown) => isRefused(error) ? refused(error) : Promise.reject(error));
      const { threads, audit_log_entries: entries } = isRecord(answer) ? answer : {};
      const list = threads ?? entries ?? answer;
      const items = Array.isArray(list) ? list.filter(isRecord) : [];
      const of = { newly_created: true, guild_id: guildId };
      yield items.map((item) => ({ t, s: 0, d: { ...of, ...item } }));
      const { user } = items.at(-1) ?? {};
      if (items.length < PAGE || !isRecord(user)) break;
      after = `&after=${user["id"]}`;
    }
  }
}
