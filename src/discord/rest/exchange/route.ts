/**
 * Derives a request's route: its path without ids, and its request queue.
 *
 * Discord limits each route per channel, guild, webhook or interaction, the "major parameter". So
 * requests with the same method, route and major parameter share a queue, and leave one by one.
 * Other requests do not wait for them.
 */

import { type ChannelId, parseSnowflake } from "../../../core/discord/ids.ts";

/** Identifies a request in limits, metrics and logs, with all that follows from its path. */
export interface RestRoute {
  readonly method: string;
  /** Path without ids, tokens or query: `"/channels/:id/messages"`. Safe for logs and metrics. */
  readonly template: string;
  /** Method and template: `"POST /channels/:id/messages"`. Safe for logs and metrics. */
  readonly name: string;
  /** Method and path with the major parameter; may contain a token, so it is never logged. */
  readonly queueKey: string;
  /** The major parameter; empty if the route has none. May contain a token, like the queue key. */
  readonly major: string;
  /** Whether the path contains the credential. Then a 401 is not about the bot's token. */
  readonly carriesToken: boolean;
  readonly createsMessage: boolean;
  /** The channel of the path. */
  readonly channelId: ChannelId | undefined;
  /** Maximum size of a response in bytes. A server in Discord's place may send without end. */
  readonly maxBytes: number;
}

/** First segments whose id is a major parameter; after the last two, a token belongs to it. */
const MAJOR: readonly string[] = ["channels", "guilds", "webhooks", "interactions"];
const WITH_TOKEN: readonly string[] = ["webhooks", "interactions"];

/** Segments before a free text, and the placeholder for that text. */
const NAMED: Readonly<Record<string, string>> = {
  reactions: ":emoji",
  invites: ":code",
  templates: ":code",
};

/**
 * Derives the route of a request.
 *
 * @param path From `/` on, without the API's version: `"/channels/77/messages?limit=50"`.
 * @see {@link https://docs.discord.com/developers/topics/rate-limits}
 */
export function routeOf(method: string, path: string): RestRoute {
  const segments = (path.split("?", 1)[0] ?? "").split("/").slice(1);
  const [first = "", id = ""] = segments;
  const folded = segments.map((segment, index) => fold(segment, index, segments));
  const kept = !MAJOR.includes(first) ? 1 : WITH_TOKEN.includes(first) ? 3 : 2;
  const keyPath = [...segments.slice(0, kept), ...folded.slice(kept)].join("/");
  // Adding a reaction and removing it undo each other, so they share a queue to keep their order.
  const verb = folded.includes("reactions") && method !== "GET" ? "PUT|DELETE" : method;
  const template = `/${folded.join("/")}`;
  return {
    method,
    template,
    name: `${method} ${template}`,
    queueKey: `${verb} /${keyPath}`,
    major: kept === 1 ? "" : segments.slice(0, kept).join("/"),
    carriesToken: folded.includes(":token"),
    createsMessage: method === "POST" && template === "/channels/:id/messages",
    channelId: first === "channels" ? parseSnowflake<"channel">(id) : undefined,
    maxBytes: (method === "GET" ? MAX_LIST_BYTES.get(template) : undefined) ?? MAX_ANSWER_BYTES,
  };
}

/** Number of kept routes of a method at which all are forgotten. */
const MAX_KEPT = 1_000;

/**
 * Creates a {@link routeOf} that keeps the routes of a place. Paths that differ in a later id only,
 * such as the message of a reaction, share one. Those with a query or a token seldom come again.
 */
export function createRoutes(): typeof routeOf {
  /** By method, and path without later ids. */
  const kept = new Map<string, Map<string, RestRoute>>();

  return (method, path) => {
    const paths = kept.get(method) ?? new Map<string, RestRoute>();
    kept.set(method, paths);
    const exact = paths.get(path);
    if (exact) return exact;
    const key = withoutLaterIds(path);
    const known = paths.get(key);
    if (known) return known;
    const route = routeOf(method, path);
    if (route.carriesToken || path.includes("?")) return route;
    if (paths.size >= MAX_KEPT) paths.clear();
    paths.set(key, route);
    return route;
  };
}

function withoutLaterIds(path: string): string {
  const later = path.indexOf("/", path.indexOf("/", 1) + 1);
  if (later < 0) return path;
  return path.slice(0, later) + path.slice(later).replace(/\/\d+(?=\/|$)/g, "/:id");
}

const MIB = 1024 * 1024;

/** Maximum size of most responses in bytes: one message or one channel has some kilobytes. */
const MAX_ANSWER_BYTES = MIB;

/** The same for routes that list things. A hundred long messages are about 3 MiB. */
const MAX_LIST_BYTES: ReadonlyMap<string, number> = new Map([
  ["/channels/:id/messages", 16 * MIB],
  ["/guilds/:id/channels", 16 * MIB], // with their permission overwrites
  ["/guilds/:id", 4 * MIB], // with roles and emojis
  ["/guilds/:id/members/search", 4 * MIB],
  ["/guilds/:id/messages/search", 8 * MIB],
  ["/guilds/:id/threads/active", 8 * MIB], // up to a thousand
  ["/guilds/:id/scheduled-events", 4 * MIB],
  ["/channels/:id/messages/pins", 8 * MIB],
  ["/users/@me/guilds", 4 * MIB],
  ["/applications/:id/commands", 4 * MIB],
]);

function fold(segment: string, index: number, segments: readonly string[]): string {
  if (index === 2 && WITH_TOKEN.includes(segments[0] ?? "")) return ":token";
  const named = NAMED[segments[index - 1] ?? ""];
  if (named !== undefined) return named;
  return /^\d+$/.test(segment) ? ":id" : segment;
}
