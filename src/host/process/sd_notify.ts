/**
 * `sd_notify(3)`: a line to the service manager that started this process.
 *
 * A datagram to a Unix socket, which neither runtime can send, so it goes
 * through the C library. `systemd-notify` is no way out: the unit lets no other
 * program start, and the manager heeds the main process only.
 *
 * @see {@link https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html}
 * @module
 */

import process from "node:process";
import { Buffer } from "node:buffer";
import { LibcUnavailableError, loadLibc } from "./libc.ts";

/**
 * Sends lines of `KEY=VALUE`; never waits.
 *
 * @returns Whether they are on their way; `false` also where nobody listens.
 */
export type Notify = (state: string) => boolean;

/** What a service manager puts into the environment of what it starts. */
export type NotifyEnv = Record<string, string | undefined>;

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;

/** Bytes of a path in `sockaddr_un`, its end included. */
const PATH_MAX_BYTES = 108;

const silent: Notify = () => false;

/**
 * Finds who is to be told, by `NOTIFY_SOCKET`.
 *
 * @param onError Told once where somebody waits to be told and cannot be.
 * @returns What tells nobody, where nobody is to be told.
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
    onError(`Cannot tell the service manager anything: NOTIFY_SOCKET is no socket's name: ${path}`);
    return silent;
  }
  try {
    return await openNotify(address);
  } catch (cause) {
    if (!(cause instanceof LibcUnavailableError)) throw cause;
    onError(
      `Cannot tell the service manager anything, and runs without its watchdog: ${cause.message}; ` +
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
  if (descriptor < 0) throw new LibcUnavailableError("socket() gives no socket");
  const send = libc("sendto");
  return (state) => {
    const bytes = Uint8Array.from(Buffer.from(state));
    const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    return send(descriptor, bytes, bytes.length, flags, address, address.length) === bytes.length;
  };
}

/**
 * A name as `sockaddr_un` has it.
 *
 * @param path Absolute, or `"@…"` in the abstract namespace.
 * @returns `undefined` if it is neither, or too long.
 */
export function toSocketAddress(path: string): Uint8Array<ArrayBuffer> | undefined {
  const isAbstract = path.startsWith("@");
  if (!isAbstract && !path.startsWith("/")) return undefined;
  // An abstract name begins with a zero and ends with its length; a path ends with a zero.
  const bytes = Buffer.from(isAbstract ? `\0${path.slice(1)}` : `${path}\0`);
  if (bytes.length > PATH_MAX_BYTES) return undefined;
  const address = new Uint8Array(2 + bytes.length);
  new DataView(address.buffer).setUint16(0, AF_UNIX, IS_LITTLE_ENDIAN);
  address.set(bytes, 2);
  return address;
}

/** Of every machine that a runtime of ours exists for; a family is a number of the machine's. */
const IS_LITTLE_ENDIAN = true;

/**
 * How often the service manager wants to hear that all is well: `WATCHDOG_USEC`.
 *
 * @param pid Ours; the variables may be somebody else's, handed down.
 * @returns Milliseconds; `undefined` where it does not ask.
 */
export function watchdogMsOf(env: Readonly<NotifyEnv>, pid: number): number | undefined {
  const { WATCHDOG_USEC: usec = "", WATCHDOG_PID: whose } = env;
  if (whose && whose !== String(pid)) return undefined;
  return /^[1-9]\d{0,15}$/.test(usec) ? Number(usec) / 1_000 : undefined;
}

/** Takes the manager's variables out of an environment: a child must not speak in our name. */
export function forgetManager(env: NotifyEnv): void {
  for (const name of ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"]) delete env[name];
}
