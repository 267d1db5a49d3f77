/**
 * What a request is, apart from whom it is about.
 *
 * Discord limits each route per channel, guild, webhook or interaction, its
 * "major parameter". So requests that share method, route and major parameter
 * share a lane and leave one by one; all others do not wait for them.
 *
 * @module
 */

/** One request's place in limits, metrics and logs. */
export interface Route {
  readonly method: string;
  /** Path without ids, tokens or query: `"/channels/:id/messages"`. Safe to log and to count by. */
  readonly template: string;
  /** Method and path with the major parameter; may hold a token, so it is never logged. */
  readonly lane: string;
  /** The major parameter; empty where there is none. May hold a token, as the lane does. */
  readonly major: string;
  /** Whether the path itself carries the credential, so that a 401 says nothing of the bot's token. */
  readonly carriesToken: boolean;
}

/** First segments whose id is a major parameter; of the last two a token belongs to it. */
const MAJOR: readonly string[] = ["channels", "guilds", "webhooks", "interactions"];
const WITH_TOKEN: readonly string[] = ["webhooks", "interactions"];

/** Segments that a free text follows, and what stands for that text. */
const NAMED: Readonly<Record<string, string>> = {
  reactions: ":emoji",
  invites: ":code",
  templates: ":code",
};

/**
 * Reads a request's path.
 *
 * @param path From `/` on, without the API's version: `"/channels/77/messages?limit=50"`.
 * @see {@link https://docs.discord.com/developers/topics/rate-limits}
 */
export function routeOf(method: string, path: string): Route {
  const segments = (path.split("?", 1)[0] ?? "").split("/").slice(1);
  const [first = ""] = segments;
  const folded = segments.map((segment, index) => fold(segment, index, segments));
  const kept = !MAJOR.includes(first) ? 1 : WITH_TOKEN.includes(first) ? 3 : 2;
  const lane = [...segments.slice(0, kept), ...folded.slice(kept)].join("/");
  // To add a reaction and to take it away undo each other, so that one must wait for the other.
  const verb = folded.includes("reactions") && method !== "GET" ? "PUT|DELETE" : method;
  return {
    method,
    template: `/${folded.join("/")}`,
    lane: `${verb} /${lane}`,
    major: kept === 1 ? "" : segments.slice(0, kept).join("/"),
    carriesToken: folded.includes(":token"),
  };
}

/** How a route is called in logs and errors: `"POST /channels/:id/messages"`. */
export function nameOf({ method, template }: Route): string {
  return `${method} ${template}`;
}

/** Whether a request would make a message that people see. */
export function createsMessage({ method, template }: Route): boolean {
  return method === "POST" && template === "/channels/:id/messages";
}

function fold(segment: string, index: number, segments: readonly string[]): string {
  if (index === 2 && WITH_TOKEN.includes(segments[0] ?? "")) return ":token";
  const named = NAMED[segments[index - 1] ?? ""];
  if (named !== undefined) return named;
  return /^\d+$/.test(segment) ? ":id" : segment;
}
