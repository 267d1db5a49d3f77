/**
 * Where the server of a URL is, as a socket wants to be told.
 *
 * @module
 */

/** Without the brackets of an IPv6 address, which a URL keeps and a socket refuses. */
export function hostOf({ hostname }: Pick<URL, "hostname">): string {
  return hostname.replace(/^\[(.*)\]$/, "$1");
}

/** @param url `http:`, `https:`, `ws:` or `wss:`. */
export function portOf({ port, protocol }: Pick<URL, "port" | "protocol">): number {
  return Number(port || (protocol === "https:" || protocol === "wss:" ? 443 : 80));
}
