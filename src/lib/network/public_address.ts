/**
 * Judges whether an IP address is on the public internet (SEC-R23).
 *
 * The ranges are those of IANA's registries of special addresses. For IPv6, only the global unicast
 * range counts, without its parts that lead elsewhere. So forms that wrap an IPv4 address (mapped,
 * NAT64, 6to4, Teredo) never count.
 *
 * @module
 */

import { BlockList, isIP } from "node:net";

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
