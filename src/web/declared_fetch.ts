/**
 * Asks an address for a tool of a skill (T7a): only an origin that the tool declares, at a private
 * address only if the config names that origin, and with the config's headers. It follows no redirect:
 * method, body and headers are for that origin alone.
 */

import { isHomeAddress, portOf } from "../lib/network/addresses.ts";
import { fetched, readBody, textOf } from "./fetch_text.ts";
import { type GuardedRequest, WebError } from "./guarded_get.ts";
import { PUBLIC_INTERNET } from "./pages.ts";

const MAX_BYTES = 1_000_000;

/** Milliseconds for a whole answer; the tool itself ends with it. */
const DECLARED_MS = 10_000;

/** Headers that a script may set: none makes another method of a GET, or another path. */
const OWN_HEADER =
  /^(?:accept|accept-language|authorization|content-type|if-match|x-(?!.*method|(?:original|rewrite)-url$)[a-z0-9-]+)$/;
const VALUE = /^[\t\x20-\x7e]{0,2000}$/;

/** A request as a script writes it. */
export interface DeclaredRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Absent: none. */
  readonly body?: string;
}

/**
 * Sends a request, once.
 *
 * @param origins Those that the tool declares.
 * @throws {WebError} If it is refused or fails, with the reason for the person; or the signal's reason.
 */
export async function fetchDeclared(
  { url: written, method, headers, body }: DeclaredRequest,
  origins: readonly string[],
  signal: AbortSignal,
  { hosts, version, guard = PUBLIC_INTERNET }: {
    readonly hosts: ReadonlyMap<string, Readonly<Record<string, string>>>;
    readonly version: string;
    /** Replaces the public internet in tests. */
    readonly guard?: {
      readonly resolve: GuardedRequest["resolve"];
      readonly isAllowed: GuardedRequest["isAllowed"];
    };
  },
): Promise<{ readonly status: number; readonly ok: boolean; readonly body: string }> {
  const url = URL.canParse(written) ? new URL(written) : undefined;
  if (!url || !origins.includes(url.origin)) {
    const named = origins.join(", ") || "none";
    throw new WebError(`the tool does not declare this host; its header has: ${named}`);
  }
  const own = hosts.get(url.origin);
  const lowered = (all: Readonly<Record<string, string>>) =>
    Object.entries(all).map(([name, value]) => [name.toLowerCase(), value] as const);
  const given = lowered(headers);
  const strange = given.find(([name, value]) => !OWN_HEADER.test(name) || !VALUE.test(value));
  if (strange) throw new WebError(`a tool may not send the header "${strange[0].slice(0, 50)}"`);
  const asked: GuardedRequest = {
    resolve: guard.resolve,
    userAgent: `Barnacle/${version}`,
    allowedPorts: new Set([portOf(url)]),
    maxRedirects: 0,
    takesAnyStatus: true,
    isAllowed: (one) => guard.isAllowed(one) || own !== undefined && isHomeAddress(one),
    headers: Object.fromEntries([["accept", "application/json"], ...given, ...lowered(own ?? {})]),
    ...(method !== "GET" && { method, body }),
  };
  return await fetched(
    url.href,
    asked,
    async (response, _at, ending) => {
      const { statusCode: status = 0, headers } = response;
      const bytes = await readBody(response, ending, MAX_BYTES);
      const ok = status >= 200 && status < 300;
      return { status, ok, body: textOf(bytes, headers["content-type"] ?? "") };
    },
    signal,
    DECLARED_MS,
  );
}
