/**
 * Reads a file from Discord's media hosts, within limits of size and time.
 *
 * The size is counted while reading: a length that the server claims may be a lie, and a body may
 * have no end.
 *
 * A message comes from Discord, but a server in between, a bug or a forged payload may put any
 * address into it. A request to an address of the own network would read its secrets (SEC-R23).
 */

import { fetchPlain } from "../lib/network/fetch_plain.ts";
import { FileError } from "../core/turn/media.ts";
import { readBody } from "../lib/network/read_body.ts";
import { sizeOf } from "../lib/text/units.ts";
import type { Account } from "../core/account/account.ts";

/** Everything that reading needs from outside. */
export interface DownloadPorts extends Pick<Account, "now" | "schedule"> {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  readonly isMediaUrl: IsMediaUrl;
  /** Asks Discord for a new link; `undefined` if there is none. */
  readonly refresh: (url: string, signal: AbortSignal) => Promise<string | undefined>;
}

/** Milliseconds for one file: a downlink of 4 Mbit/s needs 16 s for 8 MB. */
export const DOWNLOAD_MS = 30_000;

/**
 * Reads a file.
 *
 * @throws {FileError} If it cannot be read; or the signal's reason.
 */
export type Download = (
  url: string,
  maxBytes: number,
  signal: AbortSignal,
) => Promise<Uint8Array<ArrayBuffer>>;

export function createDownload(
  { fetch, isMediaUrl, refresh, now, schedule }: DownloadPorts,
): Download {
  /** @returns `undefined` if Discord does not know the link any more. */
  async function get(url: string, maxBytes: number, signal: AbortSignal) {
    if (!isMediaUrl(url)) throw new FileError("its address is not Discord's");
    const response = await fetchPlain(fetch, url, { redirect: "manual", signal });
    const { status, body } = response;
    const refuse = async (why: string): Promise<never> => {
      await body?.cancel().catch(() => {});
      throw new FileError(why);
    };
    if (status === 403 || status === 404) {
      await body?.cancel().catch(() => {});
      return undefined;
    }
    if (status >= 300 && status < 400) return await refuse("its address leads elsewhere");
    if (status !== 200) return await refuse(`Discord answered ${status}`);
    const tooLarge = () => new FileError(`larger than ${sizeOf(maxBytes)}`);
    return await readBody(body, { maxBytes, tooLarge, signal });
  }

  /** Without a new link, the file counts as gone. */
  async function renewed(url: string, signal: AbortSignal): Promise<string | undefined> {
    try {
      return await refresh(url, signal);
    } catch {
      signal.throwIfAborted();
      return undefined;
    }
  }

  async function download(url: string, maxBytes: number, signal: AbortSignal) {
    const fresh = isExpired(url, now()) ? await renewed(url, signal) ?? url : url;
    const bytes = await get(fresh, maxBytes, signal);
    if (bytes) return bytes;
    const again = fresh === url ? await renewed(url, signal) : undefined;
    const refreshed = again === undefined ? undefined : await get(again, maxBytes, signal);
    if (!refreshed) throw new FileError("Discord has it no longer");
    return refreshed;
  }

  return async (url, maxBytes, signal) => {
    signal.throwIfAborted();
    const ending = new AbortController();
    const { promise: ended, reject } = Promise.withResolvers<never>();
    const end = (reason: unknown) => {
      reject(reason);
      ending.abort(reason);
    };
    const onAbort = () => end(signal.reason);
    const cancel = schedule(
      () => end(new FileError(`not read within ${DOWNLOAD_MS / 1_000} s`)),
      DOWNLOAD_MS,
    );
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      const reading = download(url, maxBytes, ending.signal);
      reading.catch(() => {}); // after the limit, its failure changes nothing
      return await Promise.race([reading, ended]);
    } catch (error) {
      if (error instanceof FileError || signal.aborted) throw error;
      throw new FileError("Discord could not be reached", { cause: error });
    } finally {
      cancel();
      signal.removeEventListener("abort", onAbort);
    }
  };
}

/** Discord's own files, and its proxies of pictures of other hosts, whose addresses Discord signs. */
const HOSTS: ReadonlySet<string> = new Set([
  "cdn.discordapp.com",
  "media.discordapp.net",
  "images-ext-1.discordapp.net",
  "images-ext-2.discordapp.net",
]);

/** Says whether a file may be read from an address. */
export type IsMediaUrl = (url: string) => boolean;

/**
 * Creates the check.
 *
 * @param apiUrl Address of the API. If it is not Discord's, files come from the same origin: that is
 * a simulator. It comes from the environment of the process, never from the config.
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
 */
export function isExpired(address: string, now: number): boolean {
  const ends = URL.parse(address)?.searchParams.get("ex");
  if (!ends || !/^[0-9a-f]{1,10}$/i.test(ends)) return false;
  return Number.parseInt(ends, 16) * 1_000 < now + SPARE_MS;
}
