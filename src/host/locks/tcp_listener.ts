/**
 * Asks the kernel which process listens on a TCP address.
 *
 * After a bot has ended, any user of the machine can listen on its address and answer in its place.
 */

import { readdirSync, readFileSync, statSync } from "node:fs";
import { endianness } from "node:os";
import { codeOf } from "../../lib/errors.ts";
import { PROC } from "../process/boot.ts";
import { printable } from "../../lib/text/quoted.ts";
import { TABLES } from "./socket_holder.ts";

/** Readers of `/proc`; each throws if it may not read. */
export interface TcpTables {
  /** `/proc/self/net/tcp` or `tcp6`. */
  readonly sockets: (family: "tcp" | "tcp6") => string;
  /** The target of each open file of a process, such as `"socket:[635990]"`. */
  readonly filesOf: (pid: number) => readonly string[];
  readonly uidOf: (pid: number) => number;
}

/** The kernel's own. */
const TCP_TABLES: TcpTables & ProcessNames = {
  sockets: (family) => readFileSync(`${PROC}/self/net/${family}`, "utf8"),
  filesOf: TABLES.filesOf,
  uidOf: (pid) => statSync(`${PROC}/${pid}`).uid,
  pids: () => readdirSync(PROC).map(Number).filter(Number.isInteger),
  nameOf: (pid) => readFileSync(`${PROC}/${pid}/comm`, "utf8").trim(),
};

/** Lists processes; each method throws if it may not read. */
interface ProcessNames {
  readonly pids: () => readonly number[];
  /** Name of a process's program. */
  readonly nameOf: (pid: number) => string;
}

interface Listener {
  /** In the form of a URL's host: `"127.0.0.1"`, `"[::1]"`. */
  readonly host: string;
  readonly port: number;
  readonly uid: number;
  readonly inode: string;
}

/**
 * Tests whether a process accepts the connections to an address.
 *
 * @param address Host and port as in a URL: `"127.0.0.1:8787"`, `"[::1]:8787"`.
 * @returns `undefined` if no process listens there, or this cannot be found out.
 */
export function isListener(
  pid: number,
  address: string,
  tables: TcpTables = TCP_TABLES,
): boolean | undefined {
  const { hostname, port } = new URL(`http://${address}`);
  const listeners = allListeners(tables);
  if (!listeners) return undefined;
  const onPort = listeners.filter((one) => one.port === Number(port || 80));
  const exact = onPort.filter(({ host }) => host === hostname);
  const found = exact.length > 0 ? exact : onPort.filter(({ host }) => WILDCARDS.includes(host));
  if (found.length === 0) return undefined;
  try {
    const files = tables.filesOf(pid);
    // Several processes of one user can share an address. Each must be the bot.
    return found.every(({ inode }) => files.includes(`socket:[${inode}]`));
  } catch (error) {
    if (codeOf(error) === "ENOENT") return false;
  }
  try {
    const uid = tables.uidOf(pid);
    return found.every((one) => one.uid === uid);
  } catch {
    return undefined; // no /proc
  }
}

/**
 * Finds the process that listens on a port, for the operator: `"node (pid 812)"`, or
 * `"a process of user 33"` if its files are hidden.
 *
 * @returns `undefined` if no process listens there, or this cannot be found out.
 */
export function listenerName(
  port: number,
  tables: TcpTables & ProcessNames = TCP_TABLES,
): string | undefined {
  const found = allListeners(tables)?.filter((one) => one.port === port) ?? [];
  const [first] = found;
  if (!first) return undefined;
  const files = found.map(({ inode }) => `socket:[${inode}]`);
  try {
    const pid = tables.pids().find((pid) => {
      try {
        return tables.filesOf(pid).some((file) => files.includes(file));
      } catch {
        return false; // another user's, or it has ended
      }
    });
    if (pid !== undefined) return `${printable(tables.nameOf(pid))} (pid ${pid})`;
  } catch {
    // no /proc
  }
  return `a process of user ${first.uid}`;
}

/** All sockets that listen; `undefined` if the tables cannot be read. */
function allListeners(tables: Pick<TcpTables, "sockets">): readonly Listener[] | undefined {
  const listeners: Listener[] = [];
  try {
    listeners.push(...listenersIn(tables.sockets("tcp")));
    listeners.push(...listenersIn(tables.sockets("tcp6")));
  } catch (error) {
    // A machine without IPv6 has no table for it.
    if (listeners.length === 0 || codeOf(error) !== "ENOENT") return undefined;
  }
  return listeners;
}

/** Hosts of a socket that listens on every address. */
const WILDCARDS: readonly string[] = ["0.0.0.0", "[::]"];

/** `TCP_LISTEN`. */
const LISTENING = "0A";

/** Lines `sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode …`. */
function listenersIn(table: string): readonly Listener[] {
  return table.split("\n").flatMap((line) => {
    const [, local = "", , state, , , , uid, , inode] = line.trim().split(/\s+/);
    const [address = "", port = ""] = local.split(":");
    if (state !== LISTENING || inode === undefined) return [];
    return [{ host: hostOfHex(address), port: parseInt(port, 16), uid: Number(uid), inode }];
  });
}

/** The kernel writes an address as numbers of 32 bits, in the machine's order. */
function hostOfHex(address: string): string {
  const bytes = (address.match(/.{8}/g) ?? []).flatMap((word) => {
    const inWord = word.match(/../g) ?? [];
    return endianness() === "LE" ? inWord.reverse() : inWord;
  });
  if (bytes.length === 4) return bytes.map((byte) => parseInt(byte, 16)).join(".");
  const groups = bytes.join("").match(/.{4}/g) ?? [];
  return URL.parse(`http://[${groups.join(":")}]`)?.hostname ?? "";
}
