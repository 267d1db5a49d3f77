import { hostOf } from "./url_address.ts";

/** Whether a URL's host is this machine: `"localhost"`, `"127.0.0.1"`, `"[::1]"`. */
export function isLoopbackHost(hostname: string): boolean {
  return hostname === "localhost" || isLoopback(hostOf({ hostname }));
}

/**
 * Whether an address can only be reached from this machine.
 *
 * @param address As `node:net` gives it: `"127.0.0.1"`, `"::1"`, `"::ffff:127.0.0.1"`. A name, even
 * `localhost`, does not count, because the system resolves it.
 */
export function isLoopback(address: string): boolean {
  const v4 = address.toLowerCase().replace(/^::ffff:/, "");
  return address === "::1" || /^127(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}$/.test(v4);
}
