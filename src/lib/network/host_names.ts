/**
 * Reads the name that a client asked for. A web page can reach this machine under a name of its own
 * that points here (DNS rebinding), so a server on loopback answers under its own names only.
 */

/** Host names that always mean this machine. */
export const LOCAL_NAMES: readonly string[] = ["localhost", "127.0.0.1", "[::1]"];

/** Whether the Host header of a request has one of the names, with or without a port. */
export function hasNameOf(
  { headers }: Pick<Request, "headers">,
  names: readonly string[],
): boolean {
  const host = headers.get("host") ?? "";
  const name = /^(\[[0-9a-f:.]+\]|[^:@/\s]+)(?::\d{1,5})?$/i.exec(host)?.[1]?.toLowerCase();
  return name !== undefined && names.includes(name);
}
