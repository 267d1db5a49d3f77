/**
 * Judges whether a host belongs to this machine or to its own network.
 *
 * @module
 */

import { BlockList, isIPv6 } from "node:net";
import { isLoopbackHost } from "./loopback.ts";
import { hostOf } from "./url_address.ts";

const RANGES: readonly [address: string, bits: number, family: "ipv4" | "ipv6"][] = [
  ["10.0.0.0", 8, "ipv4"], // RFC 1918, as the next two
  ["172.16.0.0", 12, "ipv4"],
  ["192.168.0.0", 16, "ipv4"],
  ["100.64.0.0", 10, "ipv4"], // RFC 6598, which private overlay networks use too
  ["169.254.0.0", 16, "ipv4"], // link-local
  ["fc00::", 7, "ipv6"], // RFC 4193
  ["fe80::", 10, "ipv6"], // link-local
];

/** Endings of names that no public name server resolves. */
const ENDINGS = [".local", ".lan", ".internal", ".home.arpa", ".localhost"];

/**
 * Whether a URL's host is on this machine or on a private network. A name without a dot, such as a
 * container's, counts as private.
 */
export function isPrivateHost(hostname: string): boolean {
  if (isLoopbackHost(hostname)) return true;
  const address = hostOf({ hostname });
  const family = isIPv6(address) ? "ipv6" : "ipv4";
  if (/^[\d.]+$/.test(address) || family === "ipv6") {
    const ranges = new BlockList();
    for (const [range, bits, of] of RANGES) ranges.addSubnet(range, bits, of);
    return ranges.check(address, family);
  }
  return !address.includes(".") || ENDINGS.some((ending) => address.endsWith(ending));
}
