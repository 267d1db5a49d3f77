/**
 * Implements `sd_notify(3)`: sends a line to the service manager that started this process.
 *
 * It is a datagram to a Unix socket, which neither runtime can send, so it goes through the C
 * library. `systemd-notify` cannot replace it: the unit lets no other program start, and the
 * manager listens to the main process only.
 *
 * @see {@link https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html}
 */

import process from "node:process";
import { Buffer } from "node:buffer";
import { LibcUnavailableError, loadLibc } from "./libc.ts";

/**
 * Sends lines of `KEY=VALUE`; never waits.
 *
 * @returns Whether they were sent; `false` also if no service manager listens.
 */
export type Notify = (state: string) => boolean;

export type NotifyEnv = Record<string, string | undefined>;

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;

/** Bytes of a path in `sockaddr_un`, its terminator included. */
const PATH_MAX_BYTES = 108;

const silent: Notify = () => false;

/**
 * Finds the service manager by `NOTIFY_SOCKET`.
 *
 * @param onError Called once if a manager listens but cannot be reached.
 * @returns A no-op notifier when no service manager listens.
 */
export async function loadNotify(
  env: Readonly<NotifyEnv>,
  onError: (message: string, cause?: unknown) => void,
  platform: string = process.platform,
): Promise<Notify> {
  const path = env["NOTIFY_SOCKET"];
  if (!path || platform !== "linux") return silent;
  const address = toSocketAddress(path);
  if (!address) {
    onError(`Cannot reach the service manager: NOTIFY_SOCKET is not the name of a socket: ${path}`);
    return silent;
  }
  try {
    return await openNotify(address);
  } catch (cause) {
    if (!(cause instanceof LibcUnavailableError)) throw cause;
    onError(
      `Cannot reach the service manager, so running without its watchdog: ${cause.message}; ` +
        "or set Type=exec and no WatchdogSec",
      cause,
    );
    return silent;
  }
}

async function openNotify(address: Uint8Array<ArrayBuffer>): Promise<Notify> {
  const libc = await loadLibc({
    socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
    sendto: { parameters: ["i32", "buffer", "usize", "i32", "buffer", "u32"], result: "isize" },
  });
  const descriptor = libc("socket")(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) throw new LibcUnavailableError("socket() returned no socket");
  const send = libc("sendto");
  return (state) => {
    const bytes = Uint8Array.from(Buffer.from(state));
    const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    return send(descriptor, bytes, bytes.length, flags, address, address.length) === bytes.length;
  };
}

/**
 * Encodes a name for `sockaddr_un`.
 *
 * @param path Absolute, or `"@…"` in the abstract namespace.
 * @returns `undefined` if it is neither, or too long.
 */
export function toSocketAddress(path: string): Uint8Array<ArrayBuffer> | undefined {
  const isAbstract = path.startsWith("@");
  if (!isAbstract && !path.startsWith("/")) return undefined;
  // An abstract name begins with a zero byte and ends by its length; a path ends with a zero byte.
  const bytes = Buffer.from(isAbstract ? `\0${path.slice(1)}` : `${path}\0`);
  if (bytes.length > PATH_MAX_BYTES) return undefined;
  const address = new Uint8Array(2 + bytes.length);
  new DataView(address.buffer).setUint16(0, AF_UNIX, IS_LITTLE_ENDIAN);
  address.set(bytes, 2);
  return address;
}

/**
 * Little-endian, as is every machine that the runtimes support. The family of an address has the
 * machine's byte order.
 */
const IS_LITTLE_ENDIAN = true;

/**
 * Reads how often the service manager expects a ping, from `WATCHDOG_USEC`.
 *
 * @param pid Our pid; the variables may be inherited from another process.
 * @returns Milliseconds; `undefined` if it expects none.
 */
export function watchdogMsOf(env: Readonly<NotifyEnv>, pid: number): number | undefined {
  const { WATCHDOG_USEC: usec = "", WATCHDOG_PID: whose } = env;
  if (whose && whose !== String(pid)) return undefined;
  return /^[1-9]\d{0,15}$/.test(usec) ? Number(usec) / 1_000 : undefined;
}

/** Removes the manager's variables from an environment: a child must not report in our name. */
export function forgetManager(env: NotifyEnv): void {
  for (const name of ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"]) delete env[name];
}
