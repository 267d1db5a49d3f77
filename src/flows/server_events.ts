/**
 * Makes events of servers into those of a hook, whose runner answers them (W7). An event is stored
 * with the gateway's progress, or found again after a gap, and counts once.
 */

import type { BotAccount } from "../account/account.ts";
import { perAccount, wakes } from "../account/per_account.ts";
import type { Config } from "../config/config.ts";
import { type ChannelId, type GuildId, snowflakeAt } from "../core/discord/ids.ts";
import { HOOK_EVENTS_KEPT_DAYS, placeOfHook, readHookEvent } from "../core/hooks/hook.ts";
import type { NumberedEvent, ServerEvent } from "../core/hooks/hook.ts";
import type { Dispatch } from "../discord/gateway/decode/guild_index.ts";
import { decodeServerEvent, placeOfTarget } from "../discord/gateway/decode/decode.ts";
import type { RestApi } from "../discord/rest/client/client.ts";
import { isRefusal } from "../discord/rest/exchange/exchange.ts";
import { DAY_MS } from "../lib/clock.ts";
import { isRecord } from "../lib/text/quoted.ts";

type EventEntry = Config["serverEvents"][string];

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
async function* missedDispatches(
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
        .catch((error: unknown) => isRefusal(error) ? refused(error) : Promise.reject(error));
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

const IDS_PER_MS = 2 ** 22;
/** Milliseconds after which an update tells of an old event: the store has forgotten it, or never had it. */
const OLD_MS: { readonly [event: string]: number } = {
  boost: 60 * 60_000,
  thread_closed: DAY_MS,
  event_started: HOOK_EVENTS_KEPT_DAYS * DAY_MS,
};

const stateOf = perAccount("events", ({ random, log }) => ({
  /** Of the newest event, for its id. */
  number: Math.floor(random() * IDS_PER_MS),
  log,
}));

const channelsOf = ({ reader }: BotAccount, guildId: GuildId) =>
  reader.index.get(guildId)?.channels;
const placeAt = (
  { reader }: BotAccount,
  guildId: GuildId,
  channelId: ChannelId,
  parentId?: ChannelId,
) => placeOfTarget(guildId, { channelId, parentId }, reader.index.get(guildId));

/** Whether the config lets the bot act where it happened; of a whole server, in any channel. */
function isAllowed(
  account: BotAccount,
  { guildId, channelId, parentId }: ServerEvent,
): boolean {
  const ids = channelId ? [channelId] : [...channelsOf(account, guildId)?.keys() ?? []];
  return ids.some((id) => account.policy().mayAct(placeAt(account, guildId, id, parentId)));
}

function isFor(
  account: BotAccount,
  { where, who, emoji, to, ...entry }: EventEntry,
  event: ServerEvent,
): boolean {
  if (entry.event !== event.event) return false;
  const { guildId, channelId, parentId, userId, roles } = event;
  const post = to === "" ? undefined : placeOfHook({ to });
  const there = post?.kind === "channel" ? post.channelId : undefined;
  const isHome = where !== undefined || !there || channelsOf(account, guildId)?.has(there) === true;
  const isAdult = (id?: ChannelId, parentId?: ChannelId) =>
    id && placeAt(account, guildId, id, parentId).isAgeRestricted;
  if (post && isAdult(channelId, parentId) && !isAdult(there)) return false; // H9
  const places = [`guild:${guildId}`, `channel:${channelId}`, `channel:${parentId}`];
  const people = [...roles.map((id) => `role:${id}`), `user:${userId}`];
  return isHome && (!where || places.some((one) => where.includes(one))) &&
    (!who || people.some((one) => who.includes(one))) &&
    (!emoji || emoji.includes(event.emoji ?? ""));
}

/** The events of hooks that a server's event is. */
export function eventsOf(
  account: BotAccount,
  event: ServerEvent,
  since = account.now() - (OLD_MS[event.event] ?? Infinity),
): readonly NumberedEvent[] {
  const { accountId, config, now } = account;
  const state = stateOf(account);
  const { channelId = "", messageId = "", guildId, parentId = "", body, isPrivateThread } = event;
  const readIn = isPrivateThread ? channelId : parentId;
  const entries = Object.entries(config().serverEvents).filter(([, one]) =>
    isFor(account, one, event)
  );
  if (entries.length === 0 || event.at < since) return [];
  if (!isAllowed(account, event)) {
    state.log.info("An event starts no turn: the config closes its place", { guildId, channelId });
    return [];
  }
  const senderId = [channelId, messageId, guildId, readIn, event.key].join("/");
  const rules = { template: `event: ${event.event}\n${event.template}` };
  return entries.flatMap(([hook, { to }]) => {
    const found = readHookEvent({ hook, accountId, rules }, { body }, senderId);
    state.number = (state.number + 1) % IDS_PER_MS;
    const id = snowflakeAt<"message">(now(), state.number);
    const { sources } = event;
    return found
      ? [{ ...found, messageId: id, key: to === "" ? channelId : readIn || guildId, sources }]
      : [];
  });
}

/**
 * Stores the events of a guild that no session brought.
 *
 * @param from Unix time in milliseconds.
 * @throws {RestError} If Discord does not answer, as a rejection.
 */
export async function storeMissedEvents(
  account: BotAccount,
  guildId: GuildId,
  from: number,
): Promise<void> {
  const { accountId, config, now, reader, rest, store } = account;
  const { serverEvents, discord: { gateway: { catchUp } } } = config();
  const since = Math.max(from, now() - catchUp.maxAgeMin * 60_000);
  const facts = { accountId, self: account.self(), index: reader.index };
  const refused = (error: unknown) =>
    stateOf(account).log.warn("Discord does not show some events of a time away", {
      guildId,
      error,
    });
  const entries = Object.values(serverEvents);
  for await (const page of missedDispatches(rest, guildId, entries, refused)) {
    const events = page.map((dispatch) => decodeServerEvent(dispatch, facts)).flatMap((event) =>
      event ? eventsOf(account, event, event.event === "event_started" ? undefined : since) : []
    );
    if (events.length === 0) continue;
    await store.hooks.add(events, now());
    wakes(account).hooks();
  }
}
