/**
 * Host and port of a URL, as a socket needs them.
 *
 * @module
 */

/** The host without the brackets of an IPv6 address, which a URL keeps and a socket refuses. */
export function hostOf({ hostname }: Pick<URL, "hostname">): string {
  return hostname.replace(/^\[(.*)\]$/, "$1");
}

/**
 * The TCP port, or the scheme's default: 443 for `https:` and `wss:`, else 80.
 *
 * @param url With the scheme `http:`, `https:`, `ws:` or `wss:`.
 */
export function portOf({ port, protocol }: Pick<URL, "port" | "protocol">): number {
  return Number(port || (protocol === "https:" || protocol === "wss:" ? 443 : 80));
}

/** An address as the host of a URL: brackets surround that of IPv6. */
export function urlHostOf(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}
