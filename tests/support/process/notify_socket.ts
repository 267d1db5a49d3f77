/**
 * A service manager's end of `sd_notify`: a datagram socket of the C library, because neither
 * runtime offers one.
 */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { setTimeout as sleep } from "node:timers/promises";
import { loadLibc } from "../../../src/host/process/libc.ts";
import { toSocketAddress } from "../../../src/host/process/sd_notify.ts";

const AF_UNIX = 1;
const SOCK_DGRAM_NONBLOCK_CLOEXEC = 2 | 0o4000 | 0o2000000;
const SHUT_RDWR = 2;
const MSG_MAX = 4_096;

/** Milliseconds within which an awaited line must have come. */
const PATIENCE_MS = 45_000;

export interface NotifySocket extends Disposable {
  /** All received datagrams so far. */
  received(): readonly string[];
  line(pattern: RegExp): Promise<string>;
}

/** @param name A path, or `"@…"` in the abstract namespace. */
export async function openNotifySocket(name: string): Promise<NotifySocket> {
  const libc = await loadLibc({
    socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
    bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
    recv: { parameters: ["i32", "buffer", "usize", "i32"], result: "isize" },
    shutdown: { parameters: ["i32", "i32"], result: "i32" },
    close: { parameters: ["i32"], result: "i32" },
  });
  const address = toSocketAddress(name);
  assert.ok(address);
  const descriptor = libc("socket")(AF_UNIX, SOCK_DGRAM_NONBLOCK_CLOEXEC, 0);
  assert.equal(libc("bind")(descriptor, address, address.length), 0);
  const all: string[] = [];
  const buffer = new Uint8Array(MSG_MAX);

  function received(): readonly string[] {
    for (;;) {
      const length = libc("recv")(descriptor, buffer, buffer.length, 0);
      if (length < 0) return all;
      all.push(Buffer.from(buffer.subarray(0, length)).toString());
    }
  }

  return {
    received,
    async line(pattern) {
      const until = performance.now() + PATIENCE_MS;
      for (;;) {
        const line = received().flatMap((datagram) => datagram.split("\n"))
          .find((text) => pattern.test(text));
        if (line !== undefined) return line;
        assert.ok(
          performance.now() < until,
          `timed out waiting for ${pattern}: ${all.join(" | ")}`,
        );
        await sleep(20);
      }
    },
    [Symbol.dispose]() {
      // Another test may start a program now, whose process has a copy of the socket for a moment.
      libc("shutdown")(descriptor, SHUT_RDWR);
      libc("close")(descriptor);
    },
  };
}
