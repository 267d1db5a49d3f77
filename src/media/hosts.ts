/**
 * Decides from which addresses files may be read: Discord's media hosts, and no others (SEC-R23).
 *
 * A message comes from Discord, but a server in between, a bug or a forged payload may put any
 * address into it. A request to an address of the own network would read its secrets.
 *
 * @module
 */

/** Discord's hosts of files. */
const HOSTS: ReadonlySet<string> = new Set(["cdn.discordapp.com", "media.discordapp.net"]);

/** Says whether a file may be read from an address. */
export type IsMediaUrl = (url: string) => boolean;

/**
 * Creates the check.
 *
 * @param apiUrl Address of the API. If it is not Discord's, files come from the same origin: that is
 * a simulator. It comes from the environment of the process, never from the config.
 * @param discordApi Discord's own address.
 */
export function createIsMediaUrl(apiUrl: string, discordApi: string): IsMediaUrl {
  const simulator = apiUrl === discordApi ? undefined : new URL(apiUrl).origin;
  return (address) => {
    const url = URL.parse(address);
    if (!url || url.username !== "" || url.password !== "") return false;
    if (simulator !== undefined && url.origin === simulator) return true;
    return url.protocol === "https:" && url.port === "" && HOSTS.has(url.hostname);
  };
}

/** Milliseconds before its end at which a link counts as expired. */
const SPARE_MS = 10_000;

/**
 * Whether a link has expired. Discord writes the second at which it does in hexadecimal into `ex`.
 *
 * @param now Unix time in milliseconds.
 */
export function isExpired(address: string, now: number): boolean {
  const ends = URL.parse(address)?.searchParams.get("ex");
  if (!ends || !/^[0-9a-f]{1,10}$/i.test(ends)) return false;
  return Number.parseInt(ends, 16) * 1_000 < now + SPARE_MS;
}
