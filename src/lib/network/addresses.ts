/**
 * Reads the host and the port of a URL, and judges where an address leads: to this machine, to its
 * own network or to the public internet (SEC-R23).
 */

import { BlockList, isIP, isIPv6 } from "node:net";

/**
 * The header of Barnacle's own requests to addresses of the config, such as those of alerts. A
 * hook refuses a request with it: otherwise an alert about a hook could cause another one for ever.
 */
export const HOP_HEADER = "x-barnacle-hop";

/** Host names that always mean this machine. */
export const LOCAL_NAMES: readonly string[] = ["localhost", "127.0.0.1", "[::1]"];

/** Whether the Host header of a request has one of the names, with or without a port. */
export function hasNameOf({ headers }: Request, names: readonly string[]): boolean {
  const host = headers.get("host") ?? "";
  const name = /^(\[[0-9a-f:.]+\]|[^:@/\s]+)(?::\d{1,5})?$/i.exec(host)?.[1]?.toLowerCase();
  return name !== undefined && names.includes(name);
}

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

/** Whether a URL's host is this machine: `"localhost"`, `"127.0.0.1"`, `"[::1]"`. */
export function isLoopbackHost(hostname: string): boolean {
  return hostname === "localhost" || isLoopback(hostOf({ hostname }));
}

/** This machine, in both families. */
export const LOOPBACK_ADDRESSES: readonly string[] = ["127.0.0.1", "::1"];

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

// The ranges are those of IANA's registries of special addresses. For IPv6, only the global unicast
// range counts, without its parts that lead elsewhere. So forms that wrap an IPv4 address (mapped,
// NAT64, 6to4, Teredo) never count.
const NOT_PUBLIC_V4: readonly [address: string, bits: number][] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10], // carrier-grade NAT; some clouds have their metadata there
  ["127.0.0.0", 8],
  ["168.63.129.16", 32], // a cloud's own services for its machines, in spite of the range
  ["169.254.0.0", 16], // link-local, with the metadata of most clouds
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24], // relays of 6to4
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
];

const GLOBAL_V6: [address: string, bits: number] = ["2000::", 3];

const NOT_PUBLIC_V6: readonly [address: string, bits: number][] = [
  ["2001::", 23], // with Teredo
  ["2001:db8::", 32],
  ["2002::", 16], // 6to4
  ["3fff::", 20],
];

let ranges: Readonly<Record<"v4" | "global" | "v6", BlockList>> | undefined;

/**
 * Whether an address is on the public internet.
 *
 * @param address As a resolver gives it. A name, or an address with a zone, is not public.
 */
export function isPublicAddress(address: string): boolean {
  const { v4, global, v6 } = ranges ??= rangesOf();
  if (address.includes("%")) return false;
  switch (isIP(address)) {
    case 4:
      return !v4.check(address, "ipv4");
    case 6:
      return global.check(address, "ipv6") && !v6.check(address, "ipv6");
    default:
      return false;
  }
}

/** Link-local addresses and others where clouds have their metadata, and wrapped forms of IPv4. */
const NO_HOME =
  /^(?:169\.254\.|100\.100\.100\.200$|fe[89ab]|fd00:(?:ec2|c1|42):|fd20:ce:|::ffff:)/i;

/** Whether an address can be a service at home: of this machine, or of a private network. */
export function isHomeAddress(address: string): boolean {
  return isIP(address) !== 0 && !NO_HOME.test(address) && isPrivateHost(address);
}

function rangesOf(): NonNullable<typeof ranges> {
  const listOf = (parts: readonly [string, number][], family: "ipv4" | "ipv6") => {
    const list = new BlockList();
    for (const [address, bits] of parts) list.addSubnet(address, bits, family);
    return list;
  };
  return {
    v4: listOf(NOT_PUBLIC_V4, "ipv4"),
    global: listOf([GLOBAL_V6], "ipv6"),
    v6: listOf(NOT_PUBLIC_V6, "ipv6"),
  };
}
